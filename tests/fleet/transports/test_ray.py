"""The transport over Ray, against a Ray that is made up: what it asks of it, and what becomes of its errors."""

import io
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from profiler.errors import HostLostError, HostRefusedError, UsageError
from profiler.fleet.schema import Host
from profiler.fleet.transports import ray as over_ray
from profiler.fleet.transports.ray import Node, RayTransport, named
from profiler.fleet.transports.ray_task import ENDED, LINES, NOT_RUN, OUT, TOO_NICE, Piece

STALLED = "stalled"


class RayError(Exception):
    """Ray's base of all that happens to tasks."""


class RayTaskError(RayError):
    """What a task itself raised."""


class MadeUpRay(ModuleType):
    """A cluster whose tasks yield what they are scripted to; an exception is raised, STALLED stands for silence."""

    def __init__(self, script: Sequence[Piece | Exception | str], nodes: Sequence[dict[str, Any]]) -> None:
        super().__init__("ray")
        self.script, self.alive = list(script), list(nodes)
        self.joined: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.cancelled = self.left = 0
        self.held: list[Any] = []
        self.is_free = True
        self.init_error: Exception | None = None
        self._private = SimpleNamespace(worker=SimpleNamespace(_worker_logs_enabled=True))
        self.exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
        affinity = SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node_id, soft: (node_id, soft))
        self.util = SimpleNamespace(
            scheduling_strategies=affinity, placement_group=self._hold, remove_placement_group=self.held.remove
        )

    def init(self, address: str, **_: object) -> None:
        if self.init_error:
            raise self.init_error
        self.joined.append(address)

    def shutdown(self) -> None:
        self.left += 1

    def nodes(self) -> list[dict[str, Any]]:
        return self.alive

    def remote(self, function: Callable[..., Iterator[Piece]]) -> Any:
        assert function.__name__ == "carry"

        def options(**asked: object) -> Any:
            self.asked.append(asked)
            return SimpleNamespace(remote=lambda argv, stdin: iter(self.script))

        return SimpleNamespace(options=options)

    def wait(self, streams: list[Iterator[Any]], timeout: float, fetch_local: bool) -> tuple[list[Any], list[Any]]:
        if self.script and self.script[0] == STALLED:
            return [], streams
        return streams, []

    def get(self, piece: Piece | Exception) -> Piece:
        if isinstance(piece, Exception):
            raise piece
        return piece

    def cancel(self, _: object) -> None:
        self.cancelled += 1

    def _hold(self, bundles: list[dict[str, float]], bundle_label_selector: list[dict[str, str]]) -> Any:
        group = SimpleNamespace(bundles=bundles, where=bundle_label_selector, wait=lambda _: self.is_free)
        self.held.append(group)
        return group


def node(name: str, *, measuring: bool = False, is_alive: bool = True) -> dict[str, Any]:
    resources = {f"node:10.0.0.{ord(name[0])}": 1.0} | ({"measuring": 1.0} if measuring else {})
    about = {"NodeID": f"id-{name}", "NodeManagerHostname": f"host-{name}", "Labels": {"aforo-host": name}}
    return {**about, "Resources": resources, "Alive": is_alive}


@pytest.fixture
def made() -> Iterator[Callable[..., tuple[MadeUpRay, RayTransport]]]:
    """Makes a transport to the node `a` of a made-up cluster of `a` and `b`; closes it."""
    opened = []

    def make(*script: Piece | Exception | str, **of_node: bool) -> tuple[MadeUpRay, RayTransport]:
        ray = MadeUpRay(script, [node("a", **of_node), node("b")])
        opened.append(RayTransport(ray, "auto", "a"))
        return ray, opened[-1]

    yield make
    for transport in opened:
        transport.close()


Made = Callable[..., tuple[MadeUpRay, RayTransport]]


def test_a_call_is_one_task_on_the_very_node_that_is_never_repeated(made: Made) -> None:
    ray, transport = made((LINES, b"fir"), (OUT, b"\0out"), (LINES, b"st\nlast"), (ENDED, b"3"))
    heard: list[str] = []
    answer = transport.call(["aforo"], timeout_s=9, on_line=heard.append)
    assert (answer.exit_code, answer.stdout, answer.stderr) == (3, b"\0out", "first\nlast")
    assert heard == ["first", "last"]
    (asked,) = ray.asked
    assert asked["scheduling_strategy"] == ("id-a", False)
    assert (asked["max_retries"], asked["num_cpus"], asked["num_returns"]) == (0, 0, "streaming")
    assert ray.cancelled == 0


def test_output_goes_where_it_is_wanted(made: Made) -> None:
    _, transport = made((OUT, b"ta"), (OUT, b"r"), (ENDED, b"0"))
    taken = io.BytesIO()
    assert transport.call(["aforo"], timeout_s=9, output=taken).stdout == b""
    assert taken.getvalue() == b"tar"


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        ([RayError("Task failed because the node is dead")], HostLostError, "node a was lost: .* node is dead"),
        ([(OUT, b"ta"), RayError("The worker died")], HostLostError, "The worker died"),
        ([RayTaskError("No module named x")], HostRefusedError, "failed: No module named x"),
        ([(OUT, b"ta")], HostLostError, "ended before its command aforo did"),
        ([(NOT_RUN, b"No such file")], HostRefusedError, "aforo cannot be run there: No such file"),
        ([(TOO_NICE, b"15")], HostRefusedError, "niceness 15 above .* RAY_worker_niceness=0"),
        ([STALLED], HostLostError, "Nothing came from the Ray node a for 2 s"),
    ],
)
def test_what_happens_to_a_node_is_an_error_with_a_sentence(
    made: Made, script: list[Piece | Exception | str], kind: type[Exception], said: str
) -> None:
    ray, transport = made(*script)
    with pytest.raises(kind, match=said):
        transport.call(["aforo"], timeout_s=2)
    assert ray.cancelled == 1


def test_a_node_that_leaves_while_nothing_comes_is_noticed_before_the_time_is_over(made: Made) -> None:
    ray, transport = made(STALLED)
    looked = 0

    def nodes() -> list[dict[str, Any]]:
        nonlocal looked
        looked += 1
        return [node("a", is_alive=looked < 3)]

    ray.nodes = nodes  # type: ignore[method-assign]
    with pytest.raises(HostLostError, match="The node a has left the Ray cluster"):
        transport.call(["aforo"], timeout_s=600)
    assert looked == 3


def test_measuring_is_held_once_on_that_node_and_given_back(made: Made) -> None:
    ray, transport = made((ENDED, b"0"), measuring=True)
    transport.call(["aforo"], timeout_s=9)
    transport.call(["aforo"], timeout_s=9)
    (group,) = ray.held
    assert (group.bundles, group.where) == ([{"measuring": 1}], [{"ray.io/node-id": "id-a"}])
    ray.alive = [{**node("a", measuring=True), "NodeID": "id-new"}]  # it was gone, and is back
    transport.call(["aforo"], timeout_s=9)
    (group,) = ray.held
    assert group.where == [{"ray.io/node-id": "id-new"}]
    transport.close()
    transport.close()
    assert (ray.held, ray.left) == ([], 1)


def test_a_node_on_which_another_job_measures_is_refused(made: Made) -> None:
    ray, transport = made((ENDED, b"0"), measuring=True)
    ray.is_free = False
    with pytest.raises(HostRefusedError, match="Another job of the Ray cluster holds the resource 'measuring'"):
        transport.call(["aforo"], timeout_s=9)
    assert ray.held == []


def test_two_hosts_are_one_connection_and_two_clusters_are_refused(made: Made) -> None:
    ray, transport = made((ENDED, b"0"))
    transport.call(["aforo"], timeout_s=9)
    second, other = RayTransport(ray, "auto", "b"), RayTransport(ray, "10.0.0.9:6379", "b")
    second.call(["aforo"], timeout_s=9)
    assert ray.joined == ["auto"]
    assert not ray._private.worker._worker_logs_enabled  # standard output is ours
    with pytest.raises(HostRefusedError, match=r"two Ray clusters, auto and 10\.0\.0\.9:6379"):
        other.call(["aforo"], timeout_s=9)
    other.close()
    transport.close()
    assert ray.left == 0
    second.close()
    assert ray.left == 1


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            RuntimeError("Version mismatch: The cluster was started with:\n    Ray: 2.60.0\n    Python: 3.12.1"),
            HostRefusedError,
            "one Ray and one Python on all sides.*Python: 3.12.1",
        ),
        (ConnectionError("Could not find any running Ray instance."), HostLostError, "No Ray cluster answers at auto"),
    ],
)
def test_a_cluster_that_cannot_be_joined_is_said(
    made: Made, error: Exception, kind: type[Exception], said: str
) -> None:
    ray, transport = made((ENDED, b"0"))
    ray.init_error = error
    with pytest.raises(kind, match=said):
        transport.call(["aforo"], timeout_s=9)
    ray.init_error = None
    assert transport.call(["aforo"], timeout_s=9).exit_code == 0


@pytest.mark.parametrize("wanted", ["c8g", "GPU-box", "ip-10-0-0-7", "10.0.0.7"])
def test_a_node_is_found_by_label_resource_name_or_address(wanted: str) -> None:
    other = Node("1", "ip-10-0-0-8", {"aforo-host": "c7a"}, {"CPU": 4.0, "node:10.0.0.8": 1.0})
    meant = Node("2", "ip-10-0-0-7", {"aforo-host": "c8g"}, {"GPU-box": 1.0, "node:10.0.0.7": 1.0})
    assert named([other, meant], wanted) == meant


def test_a_node_that_is_not_there_or_there_twice_is_said() -> None:
    nodes = [Node("1", "box", {}, {}), Node("2", "box", {}, {})]
    with pytest.raises(HostRefusedError, match="2 nodes of the Ray cluster are called 'box'"):
        named(nodes, "box")
    with pytest.raises(HostLostError, match="there are: box, box"):
        named(nodes, "c8g")


SENT = """
import sys
from profiler.fleet.schema import Host
from profiler.fleet.transports import ray as over_ray
import ray.cloudpickle
over_ray.connect(Host(name="a", transport="ray"))
sent = ray.cloudpickle.dumps(over_ray.ray_task.carry)
for name in [name for name in sys.modules if name.partition(".")[0] == "profiler"]:
    del sys.modules[name]
sys.modules["profiler"] = None  # as in the Python of a node that has no Aforo
print(dict(ray.cloudpickle.loads(sent)(["echo", "there"], b"")))
"""


@pytest.mark.skipif(find_spec("ray") is None, reason="needs aforo[fleet]")
def test_what_is_sent_to_a_node_needs_no_aforo_there() -> None:
    said = subprocess.run([sys.executable, "-c", SENT], capture_output=True, text=True, check=False)
    assert said.stdout == "{'out': b'there\\n', 'ended': b'0'}\n", said.stderr


def test_without_the_extra_the_plan_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"no Ray .*pip install 'aforo\[fleet\]'"):
        over_ray.connect(Host(name="a", transport="ray"))


def test_rays_client_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="on a machine of the cluster, such as its head"):
        over_ray.connect(Host(name="a", transport="ray", address="ray://head:10001"))
