"""The metric registry: each metric declared once."""
