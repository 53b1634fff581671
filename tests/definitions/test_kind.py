"""A kind of definition that no verb knows: found, read and checked like every other one."""

from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from profiler.definitions.kind import Kind
from profiler.definitions.mistakes import Mistake
from profiler.errors import DefinitionError


class Fleet(BaseModel):
    """Hosts of one kind."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(description="Short name.")
    hosts: Annotated[int, Field(ge=1, le=8)] = Field(description="How many.")
    spares: Annotated[int, Field(ge=0, le=8)] = Field(default=0, description="How many of them wait.")


class FleetError(DefinitionError):
    """A fleet cannot be used."""


def contradictions(fleet: Fleet) -> list[Mistake]:
    too_many = fleet.spares > fleet.hosts
    return [Mistake(("spares",), f"'spares' is {fleet.spares}, of {fleet.hosts} hosts")] if too_many else []


def schema() -> dict[str, Any]:
    return Fleet.model_json_schema()


@pytest.fixture
def fleets(tmp_path: Path) -> Kind[Fleet]:
    for name in ("small", "large"):
        (tmp_path / f"{name}.yaml").write_text(f"id: {name}\nhosts: 2\n")
    return Kind("fleet", Fleet, schema, contradictions, lambda: tmp_path, FleetError)


def complaint(fleets: Kind[Fleet], tmp_path: Path, text: str) -> str:
    path = tmp_path / "own" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(FleetError) as caught:
        fleets.read(fleets.locate(str(path)))
    return str(caught.value).removeprefix(str(path))


def test_a_shipped_one_is_found_by_its_id(fleets: Kind[Fleet]) -> None:
    assert list(fleets.shipped()) == ["large", "small"]
    assert fleets.read(fleets.locate("small")) == Fleet(id="small", hosts=2)


def test_an_id_that_nothing_has_gets_the_nearest_one(fleets: Kind[Fleet]) -> None:
    with pytest.raises(FleetError, match=r"Unknown fleet 'smal'\. Did you mean 'small'\? Shipped ones: large, small\."):
        fleets.locate("smal")


def test_a_file_that_is_no_yaml_is_an_error_of_the_kind(fleets: Kind[Fleet], tmp_path: Path) -> None:
    assert complaint(fleets, tmp_path, "hosts: [1\n").startswith(":2: not valid YAML")


def test_every_mistake_has_its_line(fleets: Kind[Fleet], tmp_path: Path) -> None:
    assert complaint(fleets, tmp_path, "id: x\nhost: 2\nhosts: 9\n").splitlines()[0] == (
        ":2: unknown key 'host'. Did you mean 'hosts'?"
    )


def test_keys_that_do_not_go_together_are_a_mistake(fleets: Kind[Fleet], tmp_path: Path) -> None:
    assert complaint(fleets, tmp_path, "id: x\nhosts: 1\nspares: 2\n") == ":3: 'spares' is 2, of 1 hosts"
