"""What a plan may say. The JSON Schema is exported from these classes."""

import hashlib
import json
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from profiler.workloads.schema import Settings

Text = Annotated[str, Field(min_length=1, max_length=1_000)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
VariableName = Annotated[
    str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128, description="Letters, digits and '_'.")
]
Money = Annotated[float, Field(gt=0, le=1e12)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
_A_DAY_S = 86_400.0


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Host(_Strict):
    """A machine that measures, how it is reached, and what an hour of it costs."""

    name: Name = Field(
        description="What the plan, the folders of its runs and tables call it: at most 64 of the letters A to Z and a "
        "to z, digits, '.', '_' and '-', a letter or digit first."
    )
    transport: Literal["local", "ssh", "ray"] = Field(default="local", description="How it is reached.")
    address: Text | None = Field(
        default=None,
        description="ssh: [USER@]HOST[:PORT], or a name of the SSH configuration. ray: HOST:PORT of the cluster; "
        "default: the one that this machine is in.",
    )
    node: Text | None = Field(
        default=None,
        description="ray: what names the node: its label aforo-host, a custom resource that only it has, its host name "
        "or its IP address. Default: the name.",
    )
    ssh_options: Annotated[list[Text], Field(min_length=1, max_length=32)] | None = Field(
        default=None, description="ssh: further options of the client, one a line, such as 'IdentityFile=~/.ssh/lab'."
    )
    aforo: Annotated[list[Text], Field(min_length=1, max_length=16)] | None = Field(
        default=None,
        description="Its command, word by word: [/opt/aforo/bin/aforo]. Default: aforo; this very one on this machine.",
    )
    price: Money | None = Field(default=None, description="Price of an hour of it.")
    price_kind: Literal["on-demand", "spot", "reserved"] | None = Field(default=None, description="How it is paid for.")
    currency: Currency = Field(default="USD", description="Of its price, in three capital letters; never converted.")
    instance: Text | None = Field(default=None, description="Or its instance type, which has a list price.")
    region: Text | None = Field(default=None, description="Region of that price.")
    labels: dict[str, str] = Field(default={}, description="What else is to be known of it: free names and texts.")
    run: dict[str, Any] = Field(
        default={},
        description="Options of 'aforo run' on this host only, such as engine_path; they replace the plan's.",
    )
    environment: Annotated[list[VariableName], Field(min_length=1, max_length=64)] | None = Field(
        default=None,
        description="Names of variables of the environment that 'aforo fleet' is started in, to be set there too.",
    )


class Limits(_Strict):
    """What the whole of it, or one cell, may take at the most."""

    cell_s: Annotated[float, Field(gt=0, le=7 * _A_DAY_S)] = Field(
        default=3_600.0, description="Time of one cell; then it is ended there and counts as over its limit."
    )
    total_s: Annotated[float, Field(gt=0, le=90 * _A_DAY_S)] | None = Field(
        default=None, description="Time of the whole; no cell is begun that may outlast it."
    )
    money: Money | None = Field(
        default=None, description="Price × time of all cells together; no cell is begun that may go beyond it."
    )
    currency: Currency = Field(default="USD", description="Of the money, and so of every host's price.")
    hosts_at_once: Annotated[int, Field(ge=1, le=1_000)] | None = Field(
        default=None, description="Hosts that measure at the same time; all where not given."
    )
    free_disk_mib: Annotated[int, Field(ge=0, le=1_000_000_000)] = Field(
        default=1_024, description="Space that every host must have left before it begins."
    )
    silence_s: Annotated[float, Field(ge=1, le=3_600)] = Field(
        default=60.0, description="A host from which nothing comes for so long is tried anew, and then counts as lost."
    )


class FleetPlan(_Strict):
    """Hosts × models × workloads × settings: each combination is a cell, one `aforo run` on one host."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)] = Field(
        description="Short name: lower-case letters, digits, '.', '_' and '-'. Names the folder of its results."
    )
    description: Text | None = Field(default=None, description="What it is for.")
    hosts: Annotated[list[Host], Field(min_length=1, max_length=1_000)] = Field(description="What measures.")
    models: Annotated[list[Text], Field(min_length=1, max_length=1_000)] = Field(
        description="Models as 'aforo run --model' takes them; a path is absolute (or ~/…), to the same "
        "file on every host."
    )
    workloads: Annotated[list[Text], Field(min_length=1, max_length=1_000)] = Field(
        description="Ids of shipped workloads, or paths of your own, which are sent to the hosts with their data."
    )
    settings: Settings = Field(
        default=Settings(),
        description="Settings of the server, by option, each a list: every combination is a cell of its own.",
    )
    run: dict[str, Any] = Field(
        default={}, description="Options of 'aforo run' for every cell, by name: {requests: 50, concurrency: 8}."
    )
    rounds: Annotated[int, Field(ge=1, le=1_000)] = Field(
        default=1, description="How often each cell is measured; all of a host take their turn in each round."
    )
    limits: Limits = Field(default=Limits(), description="What it may take at the most.")

    @property
    def sha256(self) -> str:
        """What it says, in one number: the digest of the plan as it is understood, whatever its file looks like."""
        told = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a plan; to be read, not changed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **FleetPlan.model_json_schema()}
    schema["title"] = "Aforo fleet plan"
    return schema
