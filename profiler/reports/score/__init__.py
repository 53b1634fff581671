"""A score as a page, tables and files."""
