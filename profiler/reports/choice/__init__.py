"""Answers to one question of choosing, as a page, Markdown, CSV, JSON and for a terminal."""
