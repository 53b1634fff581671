"""Definitions in YAML files, of whatever kind: read with line numbers, checked against a schema, found by name."""
