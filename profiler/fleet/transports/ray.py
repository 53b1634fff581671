"""A node of a Ray cluster as a host of a plan: a call is a task there, which runs the command (`ray_task`).

Ray carries strings and bytes; both ends of Ray itself need the same Ray and the same Python, the command does not. A
node is found by its label `aforo-host`, a custom resource, its name or its address. Where nodes offer a resource
`measuring`, this process holds it on each of its nodes for as long as it is connected, so that other work of the
cluster that asks for it waits. Nothing is retried by Ray: a node that goes away is a lost host.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from types import ModuleType
from typing import Any, BinaryIO

from profiler.errors import HostLostError, HostRefusedError, UsageError
from profiler.fleet.environment import found
from profiler.fleet.schema import Host
from profiler.fleet.streams import Lines
from profiler.fleet.transport import Answer
from profiler.fleet.transports import ray_task
from profiler.fleet.transports.ray_task import ENDED, LINES, NOT_RUN, OUT, TOO_NICE, Piece

LABEL = "aforo-host"
MEASURING = "measuring"
_EVERYWHERE = "auto"
_CLIENT = "ray://"
_LOOK_S = 1.0  # how soon a node that is gone is noticed while nothing comes from it
_HOLD_S = 10.0
_PIECES_ON_THE_WAY = 64
_INSTALL = "pip install 'aforo[fleet]' installs it"


@dataclass(frozen=True)
class Node:
    """One node of a cluster that is alive."""

    node_id: str
    host_name: str
    labels: Mapping[str, str]
    resources: Mapping[str, float]


class RayTransport:
    """Calls commands on one node of a cluster."""

    name = "ray"

    def __init__(self, ray: ModuleType, address: str, wanted: str) -> None:
        """Take the cluster's address and what names the node; nothing is opened yet."""
        self._ray, self._address, self._wanted = ray, address, wanted
        self._held: dict[str, Any] = {}  # by node: what holds its `measuring`
        self._is_open = False
        self._lock = threading.Lock()

    def call(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float,
        output: BinaryIO | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Answer:
        """Run a command, as `Transport.call`."""
        node = self._open()
        pinned = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node.node_id, soft=False)
        task = self._ray.remote(ray_task.carry).options(
            num_cpus=0,
            max_retries=0,
            num_returns="streaming",
            scheduling_strategy=pinned,
            _generator_backpressure_num_objects=_PIECES_ON_THE_WAY,
        )
        stream = task.remote(found(argv), stdin)
        try:
            return _answer(self._pieces(stream, node, timeout_s), argv, output, on_line)
        except BaseException:
            with suppress(Exception):
                self._ray.cancel(stream)
            raise

    def close(self) -> None:
        """Give the node back, and leave the cluster with the last node."""
        with self._lock:
            if self._is_open:
                self._is_open = False
                self._give_back()
                _CONNECTION.leave()

    def _open(self) -> Node:
        """Join the cluster, find the node, and hold its `measuring` where it offers that."""
        with self._lock:
            if not self._is_open:
                _CONNECTION.join(self._ray, self._address)
                self._is_open = True
            node = named(nodes_of(self._ray), self._wanted)
            if node.node_id not in self._held:
                self._give_back()  # of the node that was called so before
                if MEASURING in node.resources:
                    self._hold(node)
            return node

    def _give_back(self) -> None:
        for group in self._held.values():
            with suppress(Exception):  # the cluster may be gone
                self._ray.util.remove_placement_group(group)
        self._held.clear()

    def _hold(self, node: Node) -> None:
        """Hold the node's one `measuring`. Raises `HostRefusedError` where somebody else has it."""
        here = {"ray.io/node-id": node.node_id}
        group = self._held[node.node_id] = self._ray.util.placement_group(
            [{MEASURING: 1}], bundle_label_selector=[here]
        )
        if group.wait(_HOLD_S):
            return
        self._give_back()
        raise HostRefusedError(
            f"Another job of the Ray cluster holds the resource '{MEASURING}' of the node {self._wanted}. One "
            "measurement runs at a time: wait until that job has ended; 'ray status' shows what is held."
        )

    def _pieces(self, stream: Any, node: Node, timeout_s: float) -> Iterator[Piece]:
        """Yield what comes from the task. Raises `HostLostError` as soon as its node or its worker is gone."""
        exceptions = self._ray.exceptions
        silent_s = 0.0
        while True:
            try:
                ready, _ = self._ray.wait([stream], timeout=_LOOK_S, fetch_local=False)
                if ready:
                    silent_s = 0.0
                    yield self._ray.get(next(stream))
                    continue
            except StopIteration:
                return
            except exceptions.RayTaskError as error:
                raise HostRefusedError(f"The task on the Ray node {self._wanted} failed: {_shown(error)}") from None
            except exceptions.RayError as error:
                raise HostLostError(f"The Ray node {self._wanted} was lost: {_shown(error)}") from None
            silent_s += _LOOK_S
            if all(each.node_id != node.node_id for each in nodes_of(self._ray)):
                raise HostLostError(f"The node {self._wanted} has left the Ray cluster.")
            if silent_s >= timeout_s:
                raise HostLostError(f"Nothing came from the Ray node {self._wanted} for {timeout_s:g} s.")


class _Connection:
    """This process in a cluster: Ray knows one of them at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._ray: ModuleType | None = None
        self._address = ""

    def join(self, ray: ModuleType, address: str) -> None:
        """Join the cluster unless we are in it. Raises `HostRefusedError`, and `HostLostError` where nobody answers."""
        with self._lock:
            if self._users and address != self._address:
                raise HostRefusedError(
                    f"The plan names two Ray clusters, {self._address} and {address}. Ray joins one at a time: write a "
                    "plan for each, and compare what comes of both."
                )
            if not self._users:
                _join(ray, address)
                self._ray, self._address = ray, address
            self._users += 1

    def leave(self) -> None:
        """Leave the cluster with the last one who calls."""
        with self._lock:
            self._users -= 1
            if not self._users and self._ray is not None:
                self._ray.shutdown()


_CONNECTION = _Connection()


def connect(host: Host) -> RayTransport:
    """Return the way to a node. Raises `UsageError` without Ray, and for an address of Ray's client."""
    address = host.address or _EVERYWHERE
    if address.startswith(_CLIENT):
        raise UsageError(
            f"{host.name}: the address {address!r} is one of Ray's client, which cannot carry a run. Call 'aforo "
            "fleet' on a machine of the cluster, such as its head, with 'address: auto', or HOST:PORT of the cluster."
        )
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray  # noqa: PLC0415 - an extra, and half a second
        import ray.cloudpickle  # noqa: PLC0415
        import ray.util.scheduling_strategies  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"{host.name}: its transport is ray, and this Python has no Ray ({error}). {_INSTALL}; nodes need the same "
            "version of it."
        ) from None
    ray.cloudpickle.register_pickle_by_value(ray_task)  # the node's Python may have no Aforo
    return RayTransport(ray, address, host.node or host.name)


def nodes_of(ray: ModuleType) -> list[Node]:
    """Return the nodes of the cluster that are alive."""
    return [
        Node(each["NodeID"], each["NodeManagerHostname"], each.get("Labels") or {}, each.get("Resources") or {})
        for each in ray.nodes()
        if each["Alive"]
    ]


def named(nodes: Sequence[Node], wanted: str) -> Node:
    """Return the one node that is called so. Raises `HostLostError` for none, `HostRefusedError` for several."""
    ways: tuple[Callable[[Node], bool], ...] = (
        lambda node: node.labels.get(LABEL) == wanted,
        lambda node: wanted in node.resources,
        lambda node: node.host_name == wanted,
        lambda node: f"node:{wanted}" in node.resources,  # its IP address, by Ray's own resource
    )
    for way in ways:
        found = [node for node in nodes if way(node)]
        if len(found) > 1:
            raise HostRefusedError(
                f"{len(found)} nodes of the Ray cluster are called {wanted!r}. Name each by a label of its own: "
                f"ray start --labels={LABEL}={wanted}."
            )
        if found:
            return found[0]
    others = ", ".join(sorted(node.labels.get(LABEL, node.host_name) for node in nodes)) or "none"
    raise HostLostError(
        f"No node of the Ray cluster is called {wanted!r} by its label {LABEL}, a custom resource, its host name or "
        f"its address; there are: {others}. Start it with: ray start --address=HEAD:6379 --labels={LABEL}={wanted}."
    )


def _join(ray: ModuleType, address: str) -> None:
    logging.getLogger("ray").setLevel(logging.CRITICAL)  # what matters comes as an error
    with suppress(AttributeError):  # else Ray prints the log of a node that dies among what we print
        ray._private.worker._worker_logs_enabled = False
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, include_dashboard=False)
    except RuntimeError as error:
        if "Version mismatch" not in str(error):
            raise HostLostError(f"The Ray cluster at {address} cannot be joined: {_shown(error)}") from None
        raise HostRefusedError(
            f"Ray itself needs one Ray and one Python on all sides. {_shown(error)} Call 'aforo fleet' with the "
            "cluster's versions; the Python that Aforo runs with on the nodes may be any."
        ) from None
    except (ConnectionError, OSError, ValueError) as error:
        raise HostLostError(
            f"No Ray cluster answers at {address}: {_shown(error)} 'ray status' shows whether this machine is in one."
        ) from None


def _answer(
    pieces: Iterator[Piece], argv: Sequence[str], output: BinaryIO | None, on_line: Callable[[str], None] | None
) -> Answer:
    """Put together what came of a command."""
    own = BytesIO()
    said: BinaryIO = own if output is None else output
    lines = Lines(on_line)
    for kind, data in pieces:
        if kind == OUT:
            said.write(data)
        elif kind == LINES:
            lines.take(data)
        elif kind == NOT_RUN:
            raise HostRefusedError(f"{argv[0]} cannot be run there: {data.decode()}. 'aforo' of the host names it.")
        elif kind == TOO_NICE:
            raise HostRefusedError(_NICE.format(niceness=data.decode()))
        elif kind == ENDED:
            lines.end()
            return Answer(int(data), own.getvalue(), lines.text)
    raise HostLostError(f"The task ended before its command {argv[0]} did.")


_NICE = (
    "Ray starts its workers there with a niceness {niceness} above the node's own, which its user may not take back, "
    "and a run would be measured at that priority. Start the node with RAY_worker_niceness=0 in its environment."
)


def _shown(error: Exception) -> str:
    """Return what Ray says on one line, no longer than can be read."""
    return " ".join(str(error).split())[:400]
