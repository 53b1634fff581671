"""The answers of one run: the worst of them on its page, all of them at a terminal and in JSON."""
