"""The state of a fleet as a page and as JSON: pure functions of what is given in `data.py`."""
