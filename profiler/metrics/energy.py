"""What the work took in joules. Every number says its class and its scope; a model is an interval."""

from profiler.aggregation.observations import Observations
from profiler.energy.account import Account, headline, whole_machine
from profiler.energy.scopes import WITHOUT_CARDS
from profiler.metrics.population import RATES, WINDOWS
from profiler.metrics.registry import Measurement, NotMeasuredError, per_run
from profiler.metrics.shown import VALUE, Shown
from profiler.metrics.throughput import input_tokens_per_s, output_tokens_per_s, requests_per_s
from profiler.stats.ranges import Range
from profiler.units import ns_to_s


def account_of(seen: Observations) -> Account:
    """Return the account that stands for the run. Raises `NotMeasuredError`."""
    found = headline(seen.accounts)
    if found is not None:
        return found
    reasons = [note for account in seen.accounts for note in account.notes]
    raise NotMeasuredError("; ".join(reasons) or seen.manifest.energy.reason or "no meter and no model of this machine")


def machine_account(seen: Observations) -> Account:
    """Return the account that carbon rests on: on a host with GPUs all of the machine, else the one of the run.

    Raises `NotMeasuredError`.
    """
    if not seen.manifest.server_host.gpus:
        return account_of(seen)
    found = whole_machine(seen.accounts)
    if found is not None:
        return found
    reasons = [account.notes[0] for account in seen.accounts if account.scope == WITHOUT_CARDS and account.notes]
    raise NotMeasuredError("; ".join(reasons) or "what this host uses beside its GPUs is not known")


def machine_j(seen: Observations) -> Range:
    """Return the energy of the steady windows that carbon rests on, J. Raises `NotMeasuredError`."""
    return _of_windows(seen, machine_account(seen))


def note_on(account: Account) -> str:
    """Say in a few words what kind of number an energy is."""
    estimates = f" ({', '.join(account.parts)})" if account.meter_class == "model" else ""
    return "; ".join([f"{account.meter_class}{estimates}, {account.scope}", *account.notes])


def gross_j(seen: Observations) -> Range:
    """Return the energy of the steady windows, J. Raises `NotMeasuredError`."""
    return _of_windows(seen, account_of(seen))


def _of_windows(seen: Observations, account: Account) -> Range:
    if not seen.window_ns:
        raise NotMeasuredError("no stretch of steady load: too few requests finished")
    assert account.gross_j is not None  # noqa: S101 - callers choose one with a value
    return account.gross_j


def idle_j(seen: Observations) -> Range:
    """Return what the idle machine would have used in the steady windows, J. Raises `NotMeasuredError`."""
    energy = account_of(seen).idle_j
    if energy is None:
        raise NotMeasuredError("the idle machine was not metered: pass --idle-baseline SECONDS")
    return energy


def steady_tokens(seen: Observations) -> float:
    """Return the output tokens that arrived in the steady windows. Raises `NotMeasuredError`."""
    return _some(output_tokens_per_s(seen) * ns_to_s(seen.window_ns), "output token")


def steady_input_tokens(seen: Observations) -> float:
    """Return the prompt tokens of the steady windows. Raises `NotMeasuredError`."""
    return _some(input_tokens_per_s(seen) * ns_to_s(seen.window_ns), "prompt token")


def steady_requests(seen: Observations) -> float:
    """Return the requests that were done in the steady windows. Raises `NotMeasuredError`."""
    return _some(requests_per_s(seen) * ns_to_s(seen.window_ns), "request")


def _some(count: float, what: str) -> float:
    if count <= 0:
        raise NotMeasuredError(f"no {what} in the steady windows")
    return count


def _per_joule(seen: Observations, tokens: float) -> Measurement:
    used_j = gross_j(seen)
    if used_j.low <= 0:
        raise NotMeasuredError("the energy may be 0, so there is no number of tokens for a joule")
    return Measurement(used_j.inverse(tokens), note_on(account_of(seen)))


def _per_token(seen: Observations, energy_j: Range) -> Measurement:
    return Measurement(energy_j.times(1 / steady_tokens(seen)), note_on(account_of(seen)))


@per_run("Mean power", unit="W", group="energy", better="lower", rests_on={"energy"}, over=WINDOWS)
def mean_power_w(seen: Observations) -> Measurement:
    """Gross energy in the steady windows / length of the windows, by the best meter; see the note for its scope."""
    return Measurement(gross_j(seen).times(1 / ns_to_s(seen.window_ns)), note_on(account_of(seen)))


@per_run(
    "Energy per output token",
    unit="J/token",
    group="energy",
    better="lower",
    rests_on={"energy"},
    over=RATES,
    short="Energy",
    shown=Shown(order=90, of="output", headline="page", brief=VALUE, compared="ranked"),
)
def energy_j_per_output_token(seen: Observations) -> Measurement:
    """Gross energy in the steady windows / output tokens that arrived in them: idle power is part of it."""
    return _per_token(seen, gross_j(seen))


@per_run(
    "Energy of the whole machine per output token",
    unit="J/token",
    group="energy",
    better="lower",
    rests_on={"energy"},
    over=RATES,
    short="Whole machine",
    shown=Shown(order=91, of="output", headline="page", is_optional=True),
)
def whole_machine_j_per_output_token(seen: Observations) -> Measurement:
    """As `energy_j_per_output_token`, of all that the machine draws, where that is of a part of it (GPU boards, CPUs).

    Beside a meter of a part it is the meter's number and a model of the rest: an interval without a value, which is
    what carbon rests on where the host has GPUs. Never to be added to the energy of the part, which it contains.
    """
    found = whole_machine(seen.accounts)
    if found is None or found is headline(seen.accounts):
        raise NotMeasuredError("no other energy of the whole machine than `energy_j_per_output_token`")
    return Measurement(_of_windows(seen, found).times(1 / steady_tokens(seen)), note_on(found))


@per_run(
    "Energy per input token",
    unit="J/token",
    group="energy",
    better="lower",
    rests_on={"energy"},
    over=RATES,
    short="Energy",
    work="requests",
    shown=Shown(order=90, of="input", headline="page", brief=VALUE, compared="ranked"),
)
def energy_j_per_input_token(seen: Observations) -> Measurement:
    """Gross energy in the steady windows / prompt tokens in them: the whole energy against prompt tokens alone.

    Not to be added to the energy of output tokens: each carries all of it.
    """
    return Measurement(gross_j(seen).times(1 / steady_input_tokens(seen)), note_on(account_of(seen)))


@per_run("Output tokens per joule", unit="tokens/J", group="energy", better="higher", rests_on={"energy"}, over=RATES)
def output_tokens_per_j(seen: Observations) -> Measurement:
    """Output tokens that arrived in the steady windows / gross energy in them: 1 / `energy_j_per_output_token`."""
    return _per_joule(seen, steady_tokens(seen))


@per_run(
    "Input tokens per joule",
    unit="tokens/J",
    group="energy",
    better="higher",
    rests_on={"energy"},
    over=RATES,
    work="requests",
)
def input_tokens_per_j(seen: Observations) -> Measurement:
    """Prompt tokens in the steady windows / gross energy in them: 1 / `energy_j_per_input_token`."""
    return _per_joule(seen, steady_input_tokens(seen))


@per_run(
    "Energy per request",
    unit="J/request",
    group="energy",
    better="lower",
    rests_on={"energy"},
    over=RATES,
    work="requests",
)
def energy_j_per_request(seen: Observations) -> Measurement:
    """Gross energy in the steady windows / requests whose last byte arrived in them."""
    return Measurement(gross_j(seen).times(1 / steady_requests(seen)), note_on(account_of(seen)))


@per_run(
    "Idle energy per output token", unit="J/token", group="energy", better="neither", rests_on={"energy"}, over=RATES
)
def energy_idle_j_per_output_token(seen: Observations) -> Measurement:
    """Power in the idle baseline × length of the steady windows / output tokens that arrived in them."""
    return _per_token(seen, idle_j(seen))


@per_run(
    "Net energy per output token (gross − idle)",
    unit="J/token",
    group="energy",
    better="lower",
    rests_on={"energy"},
    over=RATES,
)
def energy_net_j_per_output_token(seen: Observations) -> Measurement:
    """Gross − idle energy of the steady windows / output tokens that arrived in them."""
    idle_j(seen)
    net = account_of(seen).net_j
    if net is None:
        raise NotMeasuredError("no gross energy")
    return _per_token(seen, net)


@per_run("Steady state that energy readings cover", unit="ratio", group="trust", better="higher", over=WINDOWS)
def energy_coverage_ratio(seen: Observations) -> float:
    """Part of the steady windows that the readings of the best meter cover; the least of its channels."""
    metered = [account for account in seen.accounts if account.meter_class != "model"]
    if not metered:
        raise NotMeasuredError("no energy meter")
    best = headline(metered) or metered[0]
    return best.coverage_ratio


@per_run(
    "Energy counter against power readings of the same device",
    unit="ratio",
    group="trust",
    better="lower",
    over=WINDOWS,
)
def energy_disagreement_ratio(seen: Observations) -> float:
    """|polled − counted| / counted energy, where one scope has both a counter and polled power."""
    by_kind = {(account.meter_class, account.scope): account for account in seen.accounts}
    pairs = [(one, by_kind.get(("polled", one.scope))) for one in seen.accounts if one.meter_class == "counter"]
    both = [(counted, polled) for counted, polled in pairs if polled is not None]
    for counted, polled in both:
        one_j, other_j = (None if found.gross_j is None else found.gross_j.value for found in (counted, polled))
        if one_j and other_j is not None:
            return abs(other_j - one_j) / one_j
    reasons = [account.notes[0] for pair in both for account in pair if account.gross_j is None]
    raise NotMeasuredError("; ".join(reasons) or "no scope has both a counter and polled power")
