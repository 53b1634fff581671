"""What tokens cost, in money and in carbon: arithmetic, and the facts it needs."""
