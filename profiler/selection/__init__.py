"""Which candidate to choose, at which load, and how surely."""
