"""What a server has counted, from its metrics page in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import re

from profiler.hosts.tree import number
from profiler.servers.address import Address
from profiler.servers.base import Tick, no_tick
from profiler.servers.openai_api import call_text

_LABELS = r"\{(?:[^\"}\n]|\"(?:[^\"\\\n]|\\.)*\")*\}"  # a value may have braces; others follow a number's exemplar
_LINE = re.compile(rf"^([a-zA-Z_:][\w:]*)(?:{_LABELS})?[ \t]+(\S+)", re.MULTILINE)
_LIMIT_S = 5.0  # it is read while requests are in flight, and what they bring waits meanwhile
_COUNTED = ("_total", "_sum", "_count")


def read_counters(address: Address, tick: Tick = no_tick) -> dict[str, float]:
    """Return what the page at `/metrics` counts. Raises `ServerError`, and what `tick` raises."""
    return parse(call_text(address, "GET", "/metrics", tick=tick, limit_s=_LIMIT_S))


def parse(text: str) -> dict[str, float]:
    """Return every counter, and sum and count of every histogram, added up over their labels."""
    counted: dict[str, float] = {}
    for name, value in _LINE.findall(text):
        if name.endswith(_COUNTED):
            more = number(value)
            if more is not None:
                counted[name] = counted.get(name, 0.0) + more
    return counted
