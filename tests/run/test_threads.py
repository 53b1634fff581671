"""How many threads a model server gets by default."""

import pytest

from profiler.hosts.facts import LimitFacts
from profiler.run import plan
from profiler.run.options import Options


@pytest.mark.parametrize(("quota_cores", "threads"), [(None, 8), (3.5, 3), (0.5, 1), (64.0, 8)])
def test_no_more_than_a_containers_quota(
    quota_cores: float | None, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("profiler.run.plan.usable_cpus", lambda: None)
    monkeypatch.setattr("profiler.run.plan.room_for_server", lambda *_: None)
    monkeypatch.setattr("profiler.run.plan.usable_cores", lambda: 16)
    monkeypatch.setattr("profiler.run.plan.psutil.cpu_count", lambda logical: 8)
    monkeypatch.setattr("profiler.run.plan.limits", lambda _: LimitFacts(cpu_limit_cores=quota_cores))

    assert plan._threads(Options()) == threads
    assert plan._threads(Options(threads=16)) == 16  # what is asked for is done
