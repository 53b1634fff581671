"""Which loads a run measures, one after the other, and what they amount to: pure."""
