"""The transports, each in a module of its own, which is loaded when a plan asks for it."""

from collections.abc import Callable
from importlib import import_module

from profiler.fleet.schema import Host
from profiler.fleet.transport import Transport

MODULES = {
    "local": "profiler.fleet.transports.local",
    "ssh": "profiler.fleet.transports.ssh",
    "ray": "profiler.fleet.transports.ray",
}
"""Module of each transport; it has a function `connect(host) -> Transport`, which opens nothing yet."""


def connect(host: Host) -> Transport:
    """Return the way to a host of a plan; it is gone only at the first call.

    Raises `UsageError` for what the transport needs and the plan, or this installation, has not.
    """
    module = import_module(MODULES[host.transport])
    make: Callable[[Host], Transport] = module.connect
    return make(host)
