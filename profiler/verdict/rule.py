"""What a rule of trust is: a limit on one number, and advice that is true of the run at hand."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from profiler.metrics.catalogue import METRICS
from profiler.verdict.setup import Setup


@dataclass(frozen=True)
class Advice:
    """A sentence on what to do, given only where it `applies` to what the run had in use."""

    text: str
    applies: Callable[[Setup], bool] = lambda _: True


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A limit on one number of a summary.

    `statistic` is "value" for a scalar; for a distribution a quantile ("p50", "p99") or "n"; for both "half-width":
    that of the mean's 95 % interval / the mean, over requests or, for a scalar, over repeats or slices. A number beyond
    `warn` is doubtful, beyond `invalid` the measurement is wrong; `None` leaves a level out. "Beyond" is above, or
    below where `is_floor`. `instead` is looked at where the metric has no value: embeddings have no tokens. `called`
    is the number in plain words, where the label of the metric does not say it.

    INVALID is for measurements that went wrong. What a server does, however badly, is a result: a warning at most.
    """

    id: str
    metric: str
    statistic: str = "value"
    warn: float | None
    invalid: float | None
    why: str
    advice: tuple[Advice, ...]
    is_floor: bool = False
    instead: str | None = None
    called: str | None = None
    is_about_server_host: bool = False  # not checked where the server runs on another machine
    is_about_gpus: bool = False  # nor said anything of where its host has none
    is_invalid_by_url: bool = (
        True  # else at most a warning with --url, where others may stand between client and engine
    )
    is_note_shown: bool = False  # the metric's note belongs into the sentence
    is_limit_set: bool = False  # by --limit

    @property
    def number(self) -> str:
        """The number that is looked at, by its metric."""
        return self.metric if self.statistic == "value" else f"{self.statistic} of {self.metric}"

    @property
    def what(self) -> str:
        """The number in plain words."""
        label = METRICS[self.metric].label
        if self.called is not None or self.statistic == "value":
            return self.called or label
        if self.statistic == "half-width":
            return f"{METRICS[self.metric].short_label}, half-width of the 95 % interval"
        return f"{label}, {self.statistic}"

    @property
    def remedy(self) -> str:
        """All that can be done about it, whatever was in use."""
        return " ".join(advice.text for advice in self.advice)

    def remedy_for(self, setup: Setup) -> str:
        """What can be done about it in this run."""
        return " ".join(advice.text for advice in self.advice if advice.applies(setup))

    def for_run(self, setup: Setup) -> "Rule":
        """Return the rule with the limit that was set for the run, if one was.

        It stands for the level of INVALID, or of the warning where there is no other; a warning is never looser.
        """
        limit = setup.limits.get(self.id)
        if limit is None:
            return self if self.is_invalid_by_url or not setup.is_url else replace(self, invalid=None)
        if self.invalid is None:
            return replace(self, warn=limit, is_limit_set=True)
        stricter = max if self.is_floor else min
        warn = None if self.warn is None else stricter(self.warn, limit)
        return replace(self, warn=warn, invalid=limit, is_limit_set=True)
