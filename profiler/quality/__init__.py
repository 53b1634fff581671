"""How good an answer is: scorers, declared once each, pure functions of an answer and of what its item expects."""
