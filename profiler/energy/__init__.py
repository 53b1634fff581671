"""Energy: meters, models, and what a run used. Every joule has a class and a scope."""
