"""Two rented machines of one size, one Arm and one x86, described from files as any host is."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from support.written_host import HOSTS, Written

from profiler.hosts.detect import describe
from profiler.hosts.probe import Probe
from profiler.results.host_facts import HostFacts

GIB = 2**30


def described(written: Written) -> HostFacts:
    """Return the facts about a host."""
    with TemporaryDirectory() as root:
        return describe(written.lay_out(Path(root)).root, Probe(machine=written.machine))


def _ec2(instance_type: str) -> Mapping[str, str]:
    return {"sys_vendor": "Amazon EC2", "product_name": instance_type}


C7G = described(replace(HOSTS["graviton3"], cpus=16, memory_gib=32, caches=(), dmi=_ec2("c7g.4xlarge")))
C7I = described(replace(HOSTS["sapphire-rapids"], cpus=16, memory_gib=32, dmi=_ec2("c7i.4xlarge")))
