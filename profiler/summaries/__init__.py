"""From records to a summary, and from a summary to numbers with intervals."""
