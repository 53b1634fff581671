"""An x86 host and an arm64 host in one fleet over ssh: `tox -e arm64`, or after `tests/arm64_machine.py`.

QEMU imitates the second, with a real sshd on a real arm64 kernel. It is measured like any other; what is refused is to
compare its speed.
"""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from arm64_machine import boot, default_folder
from support.command import AFORO
from support.engines import needed_llama_server
from support.sshd import SshHost, free_port, ssh_hosts

from profiler.errors import HostLostError
from profiler.fleet import state
from profiler.fleet.environment import COMMAND
from profiler.fleet.schema import Host
from profiler.fleet.transports import ssh
from profiler.results.folder import RunFolder
from profiler.results.manifest import Manifest

pytestmark = pytest.mark.arm64

BOOT_TIMEOUT_S = 2400.0
# The packages are unpacked only, so accounts and what sshd needs besides are made here.
SCRIPT = f"""
ln -sf bash /bin/sh
mkdir -p /run/sshd /root /home /etc
printf 'root:*:0:0:root:/root:/bin/bash\\nsshd:*:100:65534::/run/sshd:/usr/sbin/nologin\\n' >/etc/passwd
printf 'root:x:0:\\nnogroup:x:65534:\\n' >/etc/group
chmod 600 host_key
mkdir -p $(dirname /root/{COMMAND})
cat >/root/{COMMAND} <<'END'
#!/bin/sh
export PYTHONPATH=/site AFORO_LLAMA_SERVER=/payload/llama-server PATH=/usr/bin:/bin:/usr/sbin:/sbin LANG=C.UTF-8
exec python3 -m profiler "$@"
END
chmod 755 /root/{COMMAND}
/usr/sbin/sshd -f /dev/null -E $OUT/sshd.txt -o UsePAM=no -o StrictModes=no -o PermitRootLogin=yes \\
  -o HostKey=/payload/host_key -o AuthorizedKeysFile=/payload/client_key.pub || exit
until [ -e /over ]; do sleep 1; done
"""
PLAN = """
id: two-architectures
hosts:
  - {{name: x86, transport: ssh, address: '{x86.address}', ssh_options: {x86.options}}}
  - {{name: arm, transport: ssh, address: 'root@127.0.0.1:{port}', ssh_options: {arm}}}
models: ["synthetic:tiny-1m/Q8_0"]
workloads: [smoke]
run: {{cloud: false, meters: none, threads: 1, engine: llama-server, start_timeout_s: 300, max_repeat_s: 600,
      request_timeout_s: 300, stall_timeout_s: 300}}
limits: {{hosts_at_once: 1, free_disk_mib: 1, silence_s: 300}}
"""


@pytest.fixture(scope="module")
def x86(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    engine = {"AFORO_LLAMA_SERVER": str(needed_llama_server())}
    with ssh_hosts(tmp_path_factory.mktemp("hosts"), "x86", environment=engine) as (host,):
        yield host


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, x86: SshHost) -> Path:
    """Where the fleet's results are."""
    machine = default_folder()
    if not (machine / "llama-server").exists():
        pytest.skip("no arm64 machine, which tests/arm64_machine.py makes, on this system")
    payload, back = tmp_path_factory.mktemp("payload"), tmp_path_factory.mktemp("back")
    (payload / "run.sh").write_text(SCRIPT, "utf-8")
    for key in ("host_key", "host_key.pub", "client_key.pub"):
        (payload / key).write_bytes((x86.folder / key).read_bytes())
    port = free_port()
    arm = [*x86.options[:2], f"UserKnownHostsFile={back}/known_hosts", "StrictHostKeyChecking=yes"]
    kind, key, *_ = (x86.folder / "host_key.pub").read_text().split()
    (back / "known_hosts").write_text(f"[127.0.0.1]:{port} {kind} {key}\n")
    booted = threading.Thread(target=boot, args=(machine, payload, back, BOOT_TIMEOUT_S, port), daemon=True)
    booted.start()
    plan = back / "plan.yaml"
    plan.write_text(PLAN.format(x86=x86, port=port, arm=arm))
    way = ssh.connect(Host(name="arm", transport="ssh", address=f"root@127.0.0.1:{port}", ssh_options=arm))
    until_it_is_up(way, booted)
    run = [AFORO, "fleet", "run", str(plan), "--out", str(back / "out")]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=BOOT_TIMEOUT_S)
    assert (back / "out" / state.FILE).exists(), done.stderr
    way.call(["touch", "/over"], timeout_s=100)
    way.close()
    booted.join(100)
    return back / "out"


def until_it_is_up(way: ssh.SshTransport, booted: threading.Thread) -> None:
    """Return once the machine has an sshd."""
    while booted.is_alive():
        try:
            assert way.call(["uname", "-m"], timeout_s=100).stdout == b"aarch64\n"
            return
        except HostLostError:
            time.sleep(2)
    pytest.fail("the machine has ended")


def run_of(out: Path, host: str) -> RunFolder:
    ended = [each for cell in state.read(out).ended.values() for each in cell if each.host == host]
    assert ended, (out / state.FILE).read_text()
    folder = ended[-1].folder
    assert folder is not None
    (found,) = (out / folder).glob("*/run.json")
    return RunFolder(found.parent)


def manifest_of(out: Path, host: str) -> Manifest:
    return run_of(out, host).read_manifest()


def test_both_hosts_are_measured_by_the_same_plan(out: Path) -> None:
    assert {manifest_of(out, host).host.machine for host in ("x86", "arm")} == {"x86_64", "aarch64"}
    assert {manifest_of(out, host).status for host in ("x86", "arm")} == {"complete"}
    assert {seen.architecture for seen in state.read(out).hosts.values()} == {"x86_64", "aarch64"}


def test_the_imitated_one_is_known_for_what_it_is_and_measured_once_more(out: Path) -> None:
    arm = [each for cell in state.read(out).ended.values() for each in cell if each.host == "arm"]
    assert [each.outcome for each in arm] == ["INVALID", "INVALID"]
    assert manifest_of(out, "arm").host.virtualisation.emulated is True


def test_it_enters_no_comparison(out: Path) -> None:
    runs = [str(run_of(out, host).path) for host in ("x86", "arm")]
    compared = subprocess.run([AFORO, "compare", *runs], capture_output=True, text=True, check=False, timeout=100)
    assert compared.returncode == 2
    assert "emulated-host" in " ".join(compared.stderr.split())
