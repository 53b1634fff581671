"""The ratio of two means that are known from the same few values."""

_FEWEST = 5  # pairs; the variance of fewer is hardly known
_SMALL = 0.05  # a correction of first order is applied whole up to here, and not at all from twice as much on


def ratio_of_means(n: int, x: float, y: float, xy: float, yy: float) -> float:
    """Return mean of x / mean of y over n pairs of values, without the bias of the plain ratio; y > 0.

    Of the pairs the sums are given: of x, of y, of the products x·y and y·y. Where y varies, a mean that came out small
    by chance makes the quotient larger than one that came out as much too large makes it smaller: Σx/Σy is too high by
    the relative variance of the mean of y less its covariance with that of x, which is taken off here (M. Tin,
    "Comparison of some ratio estimators", Journal of the American Statistical Association 60, 1965). That is the first
    term of a series in 1/n and holds while it is small: a single y that outweighs all others, such as a stall, would
    take most of the ratio away. So beyond 5 % less of it is taken off, and nothing from 10 % on. Values that are all
    alike, and fewer than five pairs, give Σx/Σy.
    """
    plain = x / y
    if n < _FEWEST or not x:
        return plain
    covariance, variance = n * xy / (x * y) - 1, n * yy / (y * y) - 1  # relative, times n
    correction = (covariance - variance) / (n - 1)
    share = min(1.0, max(0.0, 2 - abs(correction) / _SMALL))
    return plain * (1 + share * correction)
