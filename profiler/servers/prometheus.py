"""What a server has counted, from its metrics page in the text format of Prometheus.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import http.client
import re

from profiler.errors import ServerError

_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)", re.MULTILINE)
_COUNTED = ("_total", "_sum", "_count")
_TIMEOUT_S = 10.0


def read_counters(host: str, port: int) -> dict[str, float]:
    """Return what the page at `/metrics` counts. Raises `ServerError`."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise ServerError(f"The server did not answer GET /metrics: {error}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise ServerError(f"The server answered GET /metrics with HTTP {response.status}.")
    return parse(text)


def parse(text: str) -> dict[str, float]:
    """Return every counter, and sum and count of every histogram, added up over their labels."""
    counted: dict[str, float] = {}
    for name, value in _LINE.findall(text):
        if name.endswith(_COUNTED):
            try:
                counted[name] = counted.get(name, 0.0) + float(value)
            except ValueError:
                continue
    return counted
