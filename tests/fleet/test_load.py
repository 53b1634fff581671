"""Plans: what is right, and a sentence with its line for what is not."""

from pathlib import Path

import pytest

from profiler.errors import FleetError
from profiler.fleet import ending, state
from profiler.fleet.load import load
from profiler.fleet.schema import json_schema

PLAN = """\
id: lab
hosts:
  - name: a
    transport: ssh
    address: bench@a.example
    price: 0.5
models: [synthetic:tiny-1m/Q8_0]
workloads: [smoke]
"""


def written(folder: Path, text: str) -> str:
    path = folder / "plan.yaml"
    path.write_text(text)
    return str(path)


def test_the_shipped_example_is_a_plan() -> None:
    fleet = load("example")
    assert [host.transport for host in fleet.plan.hosts] == ["local"]


def test_the_digest_is_of_what_a_plan_says_not_of_its_file(tmp_path: Path) -> None:
    one = load(written(tmp_path, PLAN)).plan.sha256
    assert load(written(tmp_path, "# of the lab\n" + PLAN + "rounds: 1\n")).plan.sha256 == one
    assert load(written(tmp_path, PLAN + "rounds: 2\n")).plan.sha256 != one


def test_a_workload_of_ones_own_is_looked_for_beside_the_plan(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "id: own\nversion: 1\ndescription: d\nprompts: {source: synthetic, tokens: 8}\noutput_tokens: 4\n"
        "load: {shape: closed-loop}\nrequests: 4\n"
    )
    fleet = load(written(tmp_path, PLAN.replace("[smoke]", "[smoke, own.yaml]")))
    assert fleet.workloads == {"smoke": "smoke", "own.yaml": str(tmp_path / "own.yaml")}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("    address: bench@a.example\n", ""), ":3: the host a has no 'address', which the transport ssh needs."),
        (("transport: ssh", "transport: shh"), ":4: 'hosts.0.transport' is 'shh': expected 'local' or 'ssh' or 'ray'"),
        (("price: 0.5", "prize: 0.5"), ":6: unknown key 'hosts.0.prize'. Did you mean 'hosts.0.price'?"),
        (("price: 0.5", "price: 0.5\n    instance: m7g.large"), ":7: the host has a 'price' and an 'instance'"),
        (("[synthetic:tiny-1m/Q8_0]", "[models/m.gguf]"), ":7: 'models/m.gguf' is a relative path"),
        (("[smoke]", "[smoke]\nrun: {engine_path: bin/vllm}"), ":9: 'bin/vllm' is a relative path"),
        (("[smoke]", "[smoke]\nsettings: {engine_path: [./new]}"), ":9: './new' is a relative path"),
        (("[synthetic:tiny-1m/Q8_0]", "[~/m.gguf, /m.gguf]"), None),
        (("[synthetic:tiny-1m/Q8_0]", "[name-there]\nrun: {url: 'http://lab:1'}"), None),
        (("    price: 0.5\n", "    ssh_options: [PasswordAuthentication=no]\n"), None),
        (("[synthetic:tiny-1m/Q8_0]", "[synthetic:tiny-1m/Q9]"), ":7: Unknown quantisation 'Q9'."),
        (("[smoke]", "[smok]"), ":8: Unknown workload 'smok'. Did you mean 'smoke'?"),
        (("[smoke]", "[smoke, smoke]"), ":8: 'smoke' is there 2 times."),
        (
            ("[smoke]", "[smoke]\nrun: {requets: 5}"),
            "has no option 'requets'. Did you mean 'requests'?",
        ),
        (("[smoke]", "[smoke]\nrun: {requests: many}"), ":9: 'requests' is 'many': expected a whole number."),
        (
            ("[smoke]", "[smoke]\nrun: {model: x}"),
            ":9: 'model' cannot stand here: the plan has a key of its own",
        ),
        (("[smoke]", "[smoke]\nrun: {price: 1}"), ":9: 'price' cannot stand here: it is a key of the host."),
        (("    price: 0.5\n", ""), None),
        (
            ("name: a\n", "name: a/b c\n"),
            ":3: 'hosts.0.name' is 'a/b c': expected a text. What the plan, the folders of "
            "its runs and tables call it: at most 64 of the letters A to Z and a to z, digits, '.', '_' and '-'",
        ),
        (("name: a\n", "name: fleet.HTML\n"), ":3: 'fleet.HTML' is the name of a folder beside files of the fleet."),
        (("models:", "  - {name: A}\nmodels:"), ":7: 'A' and 'a' are one folder where case does not count."),
        (("price: 0.5", "environment: [A-B]"), "expected a text. Letters, digits and '_'."),
        (("    price: 0.5\n", "    labels: 5\n"), ":6: 'hosts.0.labels' is 5: expected a mapping of names and values."),
        (("[smoke]", "[smoke]\nrun: fast"), ":9: 'run' is 'fast': expected a mapping of names and values."),
        (("    price: 0.5\n", "    labels: {a: 1}\n"), ":6: 'hosts.0.labels.a' is 1: expected"),
        (
            ("[smoke]\n", "[smoke]\nlimits: {money: 5, currency: EUR}\n"),
            ":3: the price is in USD, the limit in EUR; nothing is converted.",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, change: tuple[str, str], said: str | None) -> None:
    path = written(tmp_path, PLAN.replace(*change))
    if said is None:
        load(path)
        return
    with pytest.raises(FleetError) as refused:
        load(path)
    assert said in str(refused.value)


def test_a_plan_without_an_end_is_refused(tmp_path: Path) -> None:
    threads = ", ".join(map(str, range(1, 51)))
    text = PLAN + f"rounds: 1000\nsettings: {{threads: [{threads}]}}\n"
    load(written(tmp_path, text))
    with pytest.raises(FleetError, match=r":2: .* are 150,000 cells\. Expected 100,000 at the most"):
        load(written(tmp_path, text.replace("settings: {", "settings: {kv_cache: [f16, q8_0, q4_0], ")))


def test_money_is_limited_only_where_every_host_has_a_price(tmp_path: Path) -> None:
    path = written(tmp_path, PLAN.replace("    price: 0.5\n", "") + "limits: {money: 5}\n")
    with pytest.raises(FleetError, match="the host a has neither 'price' nor 'instance'"):
        load(path)


@pytest.mark.parametrize(
    "more",
    [
        "run: {engine_args: ['--api-key=abc123secret']}\n",
        "run: {engine_args: ['--hf-token', 'abc123secret']}\n",
        "run: {url: 'http://host:1/?version=1&key=abc123secret'}\n",
        "run: {url: 'http://me:abc123secret@host:1'}\n",
        "run: {body: ['api_key=\"abc123secret\"']}\n",
        "run: {headers: ['Authorization: Bearer abc123secret']}\n",
        "description: see https://me:abc123secret@wiki/\n",
    ],
)
def test_secrets_are_refused_and_not_repeated(tmp_path: Path, more: str) -> None:
    with pytest.raises(FleetError) as refused:
        load(written(tmp_path, PLAN + more))
    assert "environment" in str(refused.value)
    assert "abc123secret" not in str(refused.value)


@pytest.mark.parametrize(
    "more",
    [
        "labels: {api_key: abc123secret}",
        "aforo: [env, HF_TOKEN=abc123secret, aforo]",
        "ssh_options: [SetEnv=HF_TOKEN=abc123secret]",
    ],
)
def test_secrets_of_hosts_are_refused_too(tmp_path: Path, more: str) -> None:
    with pytest.raises(FleetError, match=":6: this looks like a secret"):
        load(written(tmp_path, PLAN.replace("price: 0.5", more)))


def test_no_host_has_the_name_of_a_file_beside_its_folder(tmp_path: Path) -> None:
    for name in (state.FILE, ending.PAGE, ending.JSON, "comparison.html", "comparison-2.html"):
        with pytest.raises(FleetError, match="is the name of a folder beside files of the fleet"):
            load(written(tmp_path, PLAN.replace("name: a", f"name: {name}")))
    assert ending.COMPARISONS.endswith(".html")


def test_the_schema_describes_every_key() -> None:
    schema = json_schema()
    for name, about in {"plan": schema, **schema["$defs"]}.items():
        for key, described in about.get("properties", {}).items():
            assert described.get("description"), f"{name}.{key}"
