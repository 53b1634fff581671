"""Aforo as a client among others: the real command, or its load driver alone, and its `requests.jsonl`.

The stamps that Aforo reports are the kernel's. Its user-space stamps are in the same records and are read as a
second way of stamping, "aforo, user space".
"""

import json
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from itertools import accumulate, repeat
from pathlib import Path
from urllib.parse import urlsplit

from clients import Load, Records, Seen

import profiler
from profiler.aggregation.request import output_tokens
from profiler.results.folder import Journal, RunFolder
from profiler.results.records import Outcome, RequestRecord
from profiler.servers.address import Address
from profiler.servers.openai_api import http_request, prompt_fields
from profiler.timing.driver_client import LoadDriver, load_driver
from profiler.timing.interpret import to_record
from profiler.timing.messages import ClosedLoopPace, Exchange, Job, JobDone, ScheduledPace
from profiler.units import NS_PER_S, s_to_ns
from profiler.workloads.messages import Message
from profiler.workloads.words import WORDS

USER_SPACE = "aforo, user space"
_RUNS = "runs"
_PROMPTS = 200
_DRAIN_S = 120.0

_DEFINITION = """\
id: benchmark
version: 1
description: One load of a benchmark.
api: {api}
prompts:
  source: data
  file: prompts.txt
output_tokens: {output_tokens}
load: {load}
warmup_requests: 0
requests: {requests}
max_repeat_s: {duration_s:g}
"""


class Aforo:
    """`aforo run` against a running endpoint."""

    name = "aforo"
    version = profiler.__version__

    def __init__(self, *, driver_only: bool = False, arguments: tuple[str, ...] = ()) -> None:
        """Choose the whole command or its load driver; `arguments` are added to the command."""
        self._driver_only = driver_only
        self._arguments = arguments

    def environment(self) -> Mapping[str, str]:
        """Nothing to set."""
        return {}

    def command(self, load: Load, url: str, model: str, folder: Path, *, detailed: bool) -> list[str]:
        """Write the definition and name it; undetailed is as a person would watch it, with its progress."""
        if self._driver_only:
            plan = {"load": asdict(load), "url": url, "model": model, "out": str(folder / _RUNS / "driver-only")}
            return [sys.executable, str(Path(__file__).resolve()), json.dumps(plan)]
        (folder / "prompts.txt").write_text("\n".join(_prompts(load.prompt_tokens)) + "\n", "utf-8")
        definition = folder / "benchmark.yaml"
        definition.write_text(_definition(load), "utf-8")
        return [
            *(sys.executable, "-P", "-m", "profiler", "run", str(definition)),
            *("--url", url, "--model", model, "--out", str(folder / _RUNS)),
            *self._arguments,
            *(["--quiet"] if detailed else []),
        ]

    def read(self, folder: Path) -> Records:
        """Read the one run below the folder."""
        (run,) = (folder / _RUNS).iterdir()
        records = list(RunFolder(run).read_requests())
        return {
            self.name: [_seen(record, in_user_space=False) for record in records],
            USER_SPACE: [_seen(record, in_user_space=True) for record in records],
        }


def _definition(load: Load) -> str:
    shape = f"{{shape: closed-loop, concurrency: {load.concurrency}}}"
    if load.rate_rps is not None:
        shape = f"{{shape: open-loop, rate_rps: {load.rate_rps:g}, arrivals: {load.arrivals}}}"
    return _DEFINITION.format(
        api=load.api, output_tokens=load.output_tokens, load=shape, requests=load.requests, duration_s=load.duration_s
    )


def _prompts(words: int) -> list[str]:
    """Return prompts that differ from the first word on; a word is one token to a synthetic model."""
    chance = random.Random(2)  # noqa: S311 - the same prompts every time, not secret ones
    return [" ".join([first, *chance.choices(WORDS, k=words - 1)]) for first in chance.sample(WORDS, _PROMPTS)]


def bodies(load: Load, model: str) -> list[dict[str, object]]:
    """Return the requests that Aforo sends, before they are serialised."""
    more = {"model": model, "max_tokens": load.output_tokens, "temperature": 0, "stream": True}
    return [{**more, **prompt_fields(load.api, [Message("user", prompt)])} for prompt in _prompts(load.prompt_tokens)]


def _seen(record: RequestRecord, *, in_user_space: bool) -> Seen:
    """Take one record, with the arrivals that the kernel stamped or those that our process saw."""
    if record.outcome is not Outcome.OK or record.sent_ns is None:
        return Seen(identity=None, sent_ns=record.sent_ns)
    lags_ns = record.read_lag_ns if in_user_space else repeat(0)
    reads = zip(record.read_offset_ns, lags_ns, record.read_tokens, strict=False)
    events_ns = [offset_ns + (lag_ns or 0) for offset_ns, lag_ns, events in reads for _ in range(events)]
    gaps = output_tokens(record) - 1
    return Seen(
        identity=None,
        sent_ns=record.sent_ns,
        ttft_ns=events_ns[0],
        mean_itl_ns=(events_ns[-1] - events_ns[0]) / gaps if gaps > 0 else None,
        e2e_ns=events_ns[-1],
        events_ns=events_ns,
    )


def main() -> None:
    """Drive one load with the load driver alone, as the first argument plans it."""
    plan = json.loads(sys.argv[1])
    load = Load(**plan["load"])
    folder = RunFolder(Path(plan["out"]))
    folder.create()
    journal = Journal(folder.requests)
    with load_driver() as driver:
        driver.start(_job(driver, load, plan["url"], plan["model"]))
        deadline_s = time.monotonic() + load.duration_s + _DRAIN_S
        while time.monotonic() < deadline_s:
            messages = driver.receive(1.0)
            for message in messages:
                if isinstance(message, Exchange):
                    journal.append(to_record(message, load.output_tokens, None))
            if any(isinstance(message, JobDone) for message in messages):
                return
    raise SystemExit(f"The load driver was not done {_DRAIN_S:g} s after the end of the load.")


def _job(driver: LoadDriver, load: Load, url: str, model: str) -> Job:
    address = urlsplit(url)
    host, port = str(address.hostname), int(address.port or 80)
    texts = [http_request(Address(host, port), load.api, body) for body in bodies(load, model)]
    return Job(
        phase="repeat-1",
        host=host,
        port=port,
        pace=_pace(load),
        request_timeout_ns=s_to_ns(60),
        stall_timeout_ns=s_to_ns(60),
        first_index=0,
        requests=driver.spool(texts[index % len(texts)] for index in range(load.requests)),
    )


def _pace(load: Load) -> ClosedLoopPace | ScheduledPace:
    if load.rate_rps is None:
        return ClosedLoopPace(load.concurrency, s_to_ns(load.duration_s))
    chance = random.Random(3)  # noqa: S311 - the same arrivals every time, not secret ones
    gaps = [1.0 if load.arrivals == "constant" else chance.expovariate(1.0) for _ in range(load.requests)]
    return ScheduledPace([round(at * NS_PER_S / load.rate_rps) for at in accumulate(gaps)])


if __name__ == "__main__":
    main()
