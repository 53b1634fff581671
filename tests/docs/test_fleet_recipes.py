"""The recipes for many hosts are what they say: each is parsed, and where the tool is here, by the tool itself."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.command_line import parse

from profiler import __version__
from profiler.fleet.load import load

PAGE = (Path(__file__).parents[2] / "docs" / "fleet-recipes.md").read_text("utf-8")
RECIPES = dict(re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```', PAGE, re.DOTALL | re.MULTILINE))
CLOUD, CLUSTER, PLAN, BATCH, PLAYBOOK = (
    ("cloud-init.yaml", "ray-cluster.yaml", "ray-fleet.yaml", "aforo.sbatch", "aforo.playbook.yaml")
)  # fmt: skip


def parsed(name: str) -> Any:
    return yaml.safe_load(RECIPES[name])


def bash_reads(script: str) -> None:
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_there_is_one_of_each() -> None:
    assert set(RECIPES) == {CLOUD, CLUSTER, PLAN, BATCH, PLAYBOOK}


def test_the_wheel_is_that_of_this_version() -> None:
    assert set(re.findall(r"aforo-(\S+?)-py3-none-any\.whl", PAGE)) == {__version__}


def test_user_data_for_cloud_init() -> None:
    assert RECIPES[CLOUD].startswith("#cloud-config\n")
    document = parsed(CLOUD)
    assert set(document) == {"package_update", "packages", "write_files", "runcmd"}
    (script,) = document["write_files"]
    assert script["path"] == document["runcmd"][0][-1]
    assert script["permissions"] == "0755"  # text: as a number it would be decimal
    bash_reads(script["content"])


def test_cloud_init_accepts_it(tmp_path: Path) -> None:
    cloud_init = shutil.which("cloud-init")
    if cloud_init is None:
        pytest.skip(
            "cloud-init, which sets machines up at boot and is not to be installed for a test, is not on this system"
        )
    path = tmp_path / CLOUD
    path.write_text(RECIPES[CLOUD], "utf-8")
    subprocess.run([cloud_init, "schema", "--config-file", path], check=True)


@pytest.mark.skipif(find_spec("ray") is None, reason="needs aforo[fleet]")
def test_ray_accepts_the_cluster() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    spec = find_spec("ray")
    assert spec is not None
    assert spec.origin is not None
    schema = json.loads((Path(spec.origin).parent / "autoscaler" / "ray-schema.json").read_text("utf-8"))
    jsonschema.validate(parsed(CLUSTER), schema)


def test_the_cluster_starts_nodes_to_be_measured_on() -> None:
    document = parsed(CLUSTER)
    lines = [*document["head_start_ray_commands"], *document["worker_start_ray_commands"], *document["setup_commands"]]
    bash_reads("\n".join(lines))
    assert "RAY_worker_niceness=0" in document["worker_start_ray_commands"][-1]
    measured = [kind for kind in document["available_node_types"].values() if "labels" in kind]
    assert all(kind["resources"] == {"CPU": 0, "measuring": 1} for kind in measured)


def test_the_plan_names_the_nodes_of_the_cluster(tmp_path: Path) -> None:
    path = tmp_path / PLAN
    path.write_text(RECIPES[PLAN], "utf-8")
    kinds = parsed(CLUSTER)["available_node_types"]
    assert set(load(str(path)).hosts) == {kind["labels"]["aforo-host"] for kind in kinds.values() if "labels" in kind}


def test_the_array_of_slurm_has_every_cell_once(tmp_path: Path) -> None:
    bash_reads(RECIPES[BATCH])
    script = tmp_path / BATCH
    script.write_text(RECIPES[BATCH], "utf-8")
    srun = tmp_path / "srun"
    srun.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', "utf-8")
    srun.chmod(0o755)
    found = []
    array = re.search(r"--array=(\d+)-(\d+)", RECIPES[BATCH])
    assert array is not None
    for cell in range(int(array[1]), int(array[2]) + 1):
        given = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "SLURM_ARRAY_TASK_ID": str(cell),
            "SLURM_CPUS_ON_NODE": "64",
        }
        said = subprocess.run(["bash", script], env=given, text=True, capture_output=True, check=True).stdout
        cpus, command, *words = said.splitlines()
        assert (cpus, command) == ("--cpus-per-task=64", "aforo")
        parse(words)
        found.append((words[1], words[words.index("--threads") + 1]))
    assert sorted(found) == [("chat-short", "16"), ("chat-short", "8"), ("quickstart", "16"), ("quickstart", "8")]


def test_the_batch_script_says_how_it_is_started() -> None:
    said = subprocess.run(["bash", "-c", RECIPES[BATCH]], env={}, text=True, capture_output=True, check=False)
    assert "start this file with sbatch" in said.stderr


def test_the_playbook_calls_commands_of_this_version() -> None:
    (play,) = parsed(PLAYBOOK)
    variables = play["vars"]
    calls = [task["ansible.builtin.command"]["argv"] for task in play["tasks"] if "ansible.builtin.command" in task]
    ours = [argv for argv in calls if argv[0].endswith("/bin/aforo")]
    assert [argv[1] for argv in ours] == ["engines", "run"]
    for argv in ours:
        for workload in variables["aforo_workloads"]:
            known = {**variables, "item": workload}
            parse([re.sub(r"\{\{ (\w+) \}\}", lambda found, known=known: known[found[1]], word) for word in argv[1:]])


def test_ansible_accepts_the_playbook(tmp_path: Path) -> None:
    path = tmp_path / PLAYBOOK
    path.write_text(RECIPES[PLAYBOOK], "utf-8")
    ansible = Path(sys.executable).with_name("ansible-playbook")
    given = {**os.environ, "ANSIBLE_HOME": str(tmp_path / "ansible"), "LC_ALL": "C.UTF-8"}
    subprocess.run([ansible, "--inventory", "a,", "--syntax-check", path], env=given, check=True)
