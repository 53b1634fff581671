"""What a metric raises where it has no value: never 0, always a reason."""


class NotMeasuredError(Exception):
    """This metric has no value here; the message is the reason."""
