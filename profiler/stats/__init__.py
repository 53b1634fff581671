"""Pure statistics: no input or output."""
