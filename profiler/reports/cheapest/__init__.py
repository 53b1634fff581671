"""Which candidate is cheapest at a target: page, tables and files."""
