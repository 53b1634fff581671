"""Several runs side by side: one comparison, written as a page, as Markdown, as CSV, as JSON or to a terminal."""
