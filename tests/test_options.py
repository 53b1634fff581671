"""What is made of declared options, on a small command."""

from dataclasses import dataclass

import pytest

from profiler.errors import UsageError
from profiler.options import check, declared, option, overrides, words


@dataclass(frozen=True)
class Trip:
    """A command with one option of each kind."""

    where: str = option("home", "The place.", is_argument=True)
    speed_kmh: float = option(50.0, "Speed.", flag="--speed", least=1, most=120, key="drive.speed")
    fuel: str = option("petrol", "Fuel.", choices=("petrol", "diesel"))
    train: bool = option(
        False, "By train.", replaces={"drive": {"kind": "train"}}, excludes={"fuel": "no fuel is used"}
    )
    seat: int | None = option(None, "Seat.", key="drive.seat", needs=("train",))
    radio: bool = option(True, "Radio.")
    stops: tuple[str, ...] = option((), "Stop (repeatable).", flag="--stop")
    verbose: bool = option(False, "Say more.", short="-v", is_repeated=False)


def test_what_is_typed_again_is_what_differs_from_the_defaults() -> None:
    assert words(Trip()) == ["home"]
    trip = Trip("sea", speed_kmh=80, train=True, seat=4, radio=False, stops=("a", "b"), verbose=True)
    assert words(trip) == [
        *("sea", "--speed", "80", "--train", "--seat", "4", "--no-radio", "--stop", "a", "--stop", "b"),
    ]
    assert words(Trip(stops=("-x",))) == ["home", "--stop=-x"]


def test_overrides_are_put_into_the_mapping_that_another_option_replaces() -> None:
    assert overrides(Trip()) == {}
    assert overrides(Trip(speed_kmh=80)) == {"drive.speed": 80}
    assert overrides(Trip(seat=4, train=True)) == {"drive": {"kind": "train", "seat": 4}}
    assert overrides(Trip(train=True)) == {"drive": {"kind": "train"}}  # and not what was put there before


@pytest.mark.parametrize(
    ("trip", "says"),
    [
        (Trip(speed_kmh=200), "--speed 200: expected 1 to 120."),
        (Trip(speed_kmh=float("nan")), "--speed nan: expected 1 to 120."),
        (Trip(fuel="coal"), "--fuel coal: expected petrol or diesel."),
        (Trip(seat=3), "--seat is for --train. Pass that as well, or leave it out."),
        (
            Trip(train=True, fuel="diesel"),
            "--train cannot be combined with --fuel: no fuel is used. Leave out one or the other.",
        ),
        (Trip(seat=3, speed_kmh=0), "--speed 0: expected 1 to 120.\n--seat is for --train."),
    ],
)
def test_a_mistake_is_a_sentence(trip: Trip, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        check(trip)
    assert str(refused.value).startswith(says)


def test_flags_come_from_names() -> None:
    flags = {each.name: (each.flag, each.off_flag) for each in declared(Trip)}
    assert flags["seat"] == ("--seat", None)
    assert flags["radio"] == ("--radio", "--no-radio")
