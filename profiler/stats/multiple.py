"""Honesty where many differences are looked at together."""


def adjusted_confidence(confidence: float, comparisons: int) -> float:
    """Return the confidence of each interval so that all of them together hold with `confidence`.

    Bonferroni's: each takes an equal share of the doubt. Holm's method finds a little more, but gives no intervals, and
    what is shown and decided here are intervals; and nothing is assumed about how the differences hang together, which
    those between one baseline and many runs always do (C. E. Bonferroni 1936; O. J. Dunn, "Multiple comparisons among
    means", Journal of the American Statistical Association 56, 1961).
    """
    return 1 - (1 - confidence) / max(1, comparisons)
