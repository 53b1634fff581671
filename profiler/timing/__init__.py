"""The timing core: clock, pacing, wire and the driver process."""
