"""What was observed in a run, added up: steady windows, totals and all that metrics are computed from."""
