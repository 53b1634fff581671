"""The wire audit: timestamps of our own beside those of a packet capture."""
