"""One run from end to end: plan, start, measure, stop, summarise."""
