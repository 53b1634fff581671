"""Aforo: measures how fast, how cheaply and how cleanly a host serves a language model."""

__version__ = "0.1.0"
