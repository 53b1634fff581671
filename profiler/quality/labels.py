"""One of several labels."""
