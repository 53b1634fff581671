"""Reports: figures, HTML and terminal tables."""
