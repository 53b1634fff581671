"""The run folder: its schema, its journal, its reading and writing."""
