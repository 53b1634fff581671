"""Runs as tables, and to and from the files of other tools."""
