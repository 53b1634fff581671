"""What is fuzzed: every file that Aforo reads, with the functions that its verbs read it by."""

import json
import shutil
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from support import gguf_bytes as g
from support import results_of_others as others
from support.answered import answered_run
from support.stored_runs import GOLDEN

from profiler.aggregation.answers import answers_of
from profiler.aggregation.not_measured import NotMeasuredError
from profiler.content import content
from profiler.cost import price_file
from profiler.errors import AforoError
from profiler.exchange import exporting, importing
from profiler.fleet import cells as fleet_cells
from profiler.fleet import load as fleet_plans
from profiler.fleet.estimate import estimate
from profiler.fleet.state import FILE as FLEET_FILE
from profiler.fleet.status import status_of
from profiler.fleet.tables import status_table
from profiler.metrics.catalogue import listed
from profiler.models import card, config_json, facts, locate, lora, safetensors_file
from profiler.reports import run_text
from profiler.reports.answers import data as answer_data
from profiler.reports.answers import terminal
from profiler.reports.answers.part import part_of
from profiler.reports.answers.shown import shown
from profiler.reports.compare import comparison, data, markdown, page
from profiler.results import listing
from profiler.results.folder import RunFolder
from profiler.results.imported import IMPORTED_FILE, read_imported
from profiler.results.run_set import StoredRun, read_runs
from profiler.run.recompute import page_of, summary_of, write_summary
from profiler.run.wall import import_meter
from profiler.timing.clock import SystemClock
from profiler.verdict import claim_file
from profiler.wire_audit.wire_file import MAGIC, WIRE_FILE, read_wire
from profiler.workloads import items, load, templates, traces
from profiler.workloads.prompts import make_prompts
from profiler.workloads.schema import DataPrompts, TracePrompts


@dataclass(frozen=True)
class Target:
    """A kind of file: how it begins, where it lies, and who reads it."""

    name: str
    seeds: Sequence[bytes]
    file: str
    read: Callable[[Path], object]
    """Is given the folder. Raises `AforoError` only."""
    is_json: bool = False
    cost: int = 1
    """How many times as long as the others it takes."""
    others: Callable[[Path], object] = lambda folder: None
    """Puts the files beside it into the folder."""


def targets() -> list[Target]:
    """Every kind of file."""
    return [*_of_runs(), *_of_others(), *_of_workloads(), *_of_models(), *_of_fleets()]


# Run folders ------------------------------------------------------------------------------------------------


@cache
def _golden() -> dict[str, bytes]:
    """The files of a run, with a summary of this version."""
    with TemporaryDirectory() as made:
        folder = Path(made) / "run"
        shutil.copytree(GOLDEN, folder)
        write_summary(RunFolder(folder))
        return {file.name: file.read_bytes() for file in folder.iterdir()}


def _put_golden(folder: Path) -> None:
    for name, text in _golden().items():
        if name != "server.log":
            (folder / name).write_bytes(text)


@cache
def _sound() -> StoredRun:
    """Another such run, to compare with."""
    with TemporaryDirectory() as made:
        _put_golden(Path(made))
        for name in ("run.json", "summary.json"):
            text = _golden()[name]
            (Path(made) / name).write_bytes(text.replace(json.loads(text)["run_id"].encode(), b"sound"))
        return read_runs([Path(made)], allow_invalid=True)[0][0]


def _shown(folder: Path) -> None:
    """List, summarise, report, export and compare a run."""
    listing.lines(listing.find(folder), listed())
    run = RunFolder(folder)
    manifest, summary = summary_of(run)
    run_text.markdown(manifest, summary)
    run_text.as_csv(manifest, summary)
    page_of(run)


def _compared(folder: Path) -> None:
    """List a run by its summary, export it and compare it with a sound one."""
    listing.lines(listing.find(folder), listed())
    for table in ("runs", "metrics", "requests", "samples"):
        with suppress(AforoError):
            chosen, found = exporting.rows_of(exporting.open_for_export(folder), table, [])
            list(exporting.as_csv(chosen, found))
    stored, refused = read_runs([folder], allow_invalid=True)
    compared = comparison.compare([_sound(), *stored], refused, None, ["workload", "model", "quantisation", "slo"])
    page.render(compared)
    markdown.render(compared)
    data.as_csv(compared)
    data.as_json([compared])


@cache
def _answered() -> dict[str, bytes]:
    """The files of a run that kept its answers."""
    with TemporaryDirectory() as made:
        folder = answered_run(Path(made) / "run", prompt_id="0" * 16, reasoning="so")
        folder.prompts.write_text('{"id":"' + "0" * 16 + '","messages":[{"role":"user","text":"Yes?"}]}\n', "utf-8")
        return {file.name: file.read_bytes() for file in folder.path.iterdir()}


def _put_answered(folder: Path) -> None:
    for name, text in _answered().items():
        (folder / name).write_bytes(text)


def _answers(folder: Path) -> None:
    """Show every answer of a run, in every form."""
    run = RunFolder(folder)
    with suppress(NotMeasuredError):
        found = answers_of(run)
        for point in found.points:
            everything = shown(run, found, found.worst_first(point, found.leading), found.leading)
            terminal.whole(everything, 600)
            answer_data.as_dict("r", found, point, found.leading, everything)
    part_of(run, run.read_summary())


def _meter(folder: Path) -> None:
    import_meter(RunFolder(folder), folder / "meter.csv", "UTC")


def _prices(folder: Path) -> None:
    found = price_file.read(folder / "prices.csv", price_file.Defaults("USD", "p", "2026-11-30", "s"))
    (folder / "kept.csv").write_text(price_file.text(found.rows), "utf-8")
    assert len(list(price_file.stored(folder / "kept.csv"))) == len(found.rows)


_METER = b"timestamp,watts\n2026-01-01T00:00:00Z,10\n2026-01-01T00:00:01Z,11.5\n"
_METERS = [
    _METER,
    _METER.replace(b"watts", b"kwh"),
    b"time;power_w\n1767225600;5\n1767225601;6\n",
    b"timestamp,joules\n1,2\n",
]
_PRICES = [
    b"instance_type,price_per_hour,currency,kind,term_months,upfront,date\nbox,0.5,EUR,reserved,12,8,2026-01-02\n",
    b"instance_name,location,price,cpu,memory,gpu_count,gpu_name,spot\ng6,us-east-1,1.8,4,32.0,1,L40S,False\n",
]


def _of_runs() -> list[Target]:
    golden = _golden()
    wire = (
        MAGIC
        + struct.pack("<qqq", 1, 2, 3)
        + struct.pack("<qqqII", 5, 2, 3, 0, 1)
        + struct.pack("<qH?xII", 1, 2, 1, 3, 4)
    )
    wire += struct.pack("<qqqII", 5, 2, 3, 0, 0)
    return [
        Target("run.json", [golden["run.json"]], "run.json", _shown, is_json=True, cost=12, others=_put_golden),
        Target(
            "run.json compared", [golden["run.json"]], "run.json", _compared, is_json=True, cost=16, others=_put_golden
        ),
        Target(
            "summary.json",
            [golden["summary.json"]],
            "summary.json",
            _compared,
            is_json=True,
            cost=16,
            others=_put_golden,
        ),
        Target(
            "requests.jsonl",
            [golden["requests.jsonl"]],
            "requests.jsonl",
            _shown,
            is_json=True,
            cost=12,
            others=_put_golden,
        ),
        Target(
            "samples.jsonl",
            [golden["samples.jsonl"]],
            "samples.jsonl",
            _shown,
            is_json=True,
            cost=12,
            others=_put_golden,
        ),
        *(
            Target(name, [_answered()[name]], name, _answers, is_json=True, cost=4, others=_put_answered)
            for name in ("answers.jsonl", "prompts.jsonl", "items.jsonl")
        ),
        Target("server.log", [golden["server.log"]], "server.log", _shown, cost=12, others=_put_golden),
        Target("wire.bin", [wire], WIRE_FILE, lambda folder: read_wire(folder / WIRE_FILE)),
        Target("prices", _PRICES, "prices.csv", _prices),
        Target("meter", _METERS, "meter.csv", _meter, cost=4, others=_put_golden),
        Target(
            "claim",
            _contents("reports/claims", "*.yaml"),
            "c.yaml",
            lambda f: claim_file.load(str(f / "c.yaml")),
            cost=2,
        ),
    ]


# Fleets -----------------------------------------------------------------------------------------------------

_STATE = b"""\
{"type":"planned","at":"t","sha256":"s","version":"1","plan":{"id":"lab","hosts":[{"name":"a","price":2.5}],"models":["m"],"workloads":["smoke"]},"cells":[{"key":"c","host":"a","model":"m","workload":"smoke","setting":"","round":1}],"prices":{"a":{"per_hour":2.5,"currency":"USD"}}}
{"type":"host","at":"t","host":"a","machine_id":"i","boot_id":"b","node":"n","architecture":"x86_64","models":{"m":"h"}}
{"type":"begun","at":"t","cell":"c","host":"a","attempt":1,"plan":"s"}
{"type":"ended","at":"t","cell":"c","host":"a","attempt":1,"outcome":"INVALID","lasted_s":3.5,"held_s":4.0,"folder":"a/c.1","sentence":"x"}
{"type":"begun","at":"t","cell":"c","host":"a","attempt":2,"plan":"s"}
{"type":"lost","at":"t","host":"a","sentence":"Gone."}
"""


def _plan(folder: Path) -> None:
    estimate(fleet_cells.grid(fleet_plans.load(str(folder / "p.yaml"))))


def _of_fleets() -> list[Target]:
    plan = b"id: lab\nhosts: [{name: a, transport: ssh, address: u@h, price: 0.5}]\nmodels: [synthetic:tiny-1m/Q8_0]\n"
    more = b"workloads: [smoke]\nsettings: {threads: [1, 2]}\nrun: {requests: 5, body: ['a=1']}\nlimits: {money: 5}\n"
    return [
        Target("plan", [plan + more, *_contents("hosts/fleets", "*.yaml")], "p.yaml", _plan, cost=4),
        Target(
            "fleet.jsonl", [_STATE], FLEET_FILE, lambda folder: status_table(status_of(folder)), is_json=True, cost=2
        ),
    ]


# Other tools ------------------------------------------------------------------------------------------------


def _of_others() -> list[Target]:
    now = SystemClock().utc()
    seeds = [path.read_bytes() for path in others.ALL if path.suffix != ".yaml"]
    imported = importing.read_result(others.VLLM_BENCH, now).model_dump_json().encode()

    reports = [path.read_bytes() for path in (others.LLMD_01, others.LLMD_02)]

    def take(name: str) -> Callable[[Path], object]:
        return lambda folder: importing.read_result(folder / name, now).model_dump_json()

    return [
        Target("result", seeds, "result.json", take("result.json"), is_json=True, cost=2),
        Target("report", reports, "report.yaml", take("report.yaml"), cost=8),
        Target("imported.json", [imported], IMPORTED_FILE, read_imported, is_json=True),
    ]


# Workloads --------------------------------------------------------------------------------------------------

_MOONCAKE = b'{"timestamp": 100, "input_length": 700, "output_length": 50, "hash_ids": [0, 1]}\n' * 3
_AFORO = b'{"index": 3, "phase": "repeat-1", "scheduled_ns": 900, "outcome": "ok", "prompt_tokens": 9, "completion_tokens": 4}\n'
_AZURE = (
    b"TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2024-05-10 00:00:00.5+00:00,12,3\n"
)
_BURSTGPT = b"Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,log\n46,GPT-4,3,1,4,API\n"


def _data_file(name: str) -> Callable[[Path], object]:
    return lambda folder: items.load(DataPrompts(source="data", file=name), folder)


def _template(folder: Path) -> None:
    templates.read(folder / "t.yaml").messages({"prompt": "x"})


def _trace(folder: Path) -> None:
    trace = traces.read(TracePrompts(source="trace", file="t"), folder)
    trace.notes()
    trace.longest(len(trace))
    [trace.block_ids(row) for row in range(len(trace))]


def _workload(folder: Path) -> None:
    loaded = load.load(str(folder / "w.yaml"))
    workload = loaded.workload
    if workload.requests <= 10 and workload.repeats <= 3 and workload.prompts.source == "data":
        list(make_prompts(workload, loaded.folder, [2], 1))


def _of_workloads() -> list[Target]:
    jsonl = b'{"prompt": "one"}\n{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}\n'
    sharegpt = b'[{"id": 1, "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}]'
    return [
        Target("workload", _contents("workloads", "*.yaml"), "w.yaml", _workload, cost=2),
        Target("data.jsonl", [jsonl], "d.jsonl", _data_file("d.jsonl"), is_json=True),
        Target(
            "template", [b"system: s\ninput: 'Q: {prompt}'\noutput: '{reference}'\nform: text\n"], "t.yaml", _template
        ),
        Target("data.json", [sharegpt], "d.json", _data_file("d.json"), is_json=True),
        Target("data.csv", [b'id,prompt\n1,one\n2,"two, ""q""\nx"\n'], "d.csv", _data_file("d.csv")),
        Target("data.txt", [b"one\ntwo\n"], "d.txt", _data_file("d.txt")),
        Target("trace", [_MOONCAKE, _AFORO, _AZURE, _BURSTGPT], "t", _trace),
        Target("trace in JSON", [_MOONCAKE, _AFORO * 2], "t", _trace, is_json=True),
    ]


# Models -----------------------------------------------------------------------------------------------------

_CONFIG = json.dumps(
    {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192,
        "num_hidden_layers": 16, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64,
        "vocab_size": 128256, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 5e5,
        "rope_scaling": {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                         "original_max_position_embeddings": 8192},
        "tie_word_embeddings": True, "torch_dtype": "bfloat16", "eos_token_id": [1, 2],
        "quantization_config": {"quant_method": "gptq", "bits": 4},
    }
).encode()  # fmt: skip
_CARD = b"---\nlicense: apache-2.0\nlanguage: [en, no]\nbase_model: a/b\ntags:\n- chat\npipeline_tag: text-generation\n---\n# x\n"


def _gguf() -> bytes:
    return g.file(
        [
            g.string_pair("general.architecture", "llama"),
            g.string_pair("general.name", "A model"),
            g.number_pair("general.file_type", 7),
            g.number_pair("llama.block_count", 2),
            g.number_pair("llama.attention.head_count", 4),
            g.number_pair("llama.embedding_length", 64),
            g.number_pair("llama.context_length", 512),
            g.pair("a.flag", g.BOOL, b"\x01"),
            g.texts_pair("general.tags", ["chat"]),
            g.texts_pair("tokenizer.ggml.tokens", ["<s>", "x", "é"]),
            g.texts_pair("tokenizer.ggml.merges", ["a b"]),
            g.pair("a.nested", g.ARRAY, struct.pack("<IQIQI", g.ARRAY, 1, g.U32, 1, 7)),
        ],
        [g.tensor("token_embd.weight", (4, 2), 0, 0), g.tensor("blk.0.attn_q.weight", (32,), 8, 32)],
        data_bytes=66,
    )


def _adapter() -> bytes:
    pairs = [g.string_pair("general.architecture", "llama"), g.string_pair("general.type", "adapter")]
    pairs += [g.string_pair("adapter.type", "lora"), g.pair("adapter.lora.alpha", g.F32, struct.pack("<f", 32))]
    tensors = [
        g.tensor("blk.0.attn_q.weight.lora_a", (8, 4), 0, 0),
        g.tensor("blk.0.attn_q.weight.lora_b", (4, 8), 0, 128),
    ]
    return g.file(pairs, tensors, data_bytes=256)


def _safetensors() -> bytes:
    header = json.dumps(
        {
            "__metadata__": {"format": "pt"},
            "m.lora_A.weight": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]},
        }
    ).encode()
    return struct.pack("<Q", len(header)) + header + bytes(12)


def _model(folder: Path) -> None:
    path = folder / "m.gguf"
    (lora.read if lora.is_adapter(path) else facts.read)(path).model_dump_json()


def _checkpoint(folder: Path) -> None:
    facts.read(folder).model_dump_json()


def _shape(folder: Path) -> None:
    locate.shape_of(str(folder / "config.json"))


def _beside_config(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(_safetensors())
    (folder / "config.json").write_bytes(_CONFIG)


def _of_models() -> list[Target]:
    return [
        Target("GGUF", [_gguf(), _adapter()], "m.gguf", _model),
        Target("config.json", [_CONFIG], "config.json", _shape, is_json=True),
        Target("checkpoint", [_CONFIG], "config.json", _checkpoint, is_json=True, others=_beside_config, cost=2),
        Target("tokenizer_config.json", [b'{"chat_template": "x"}'], "tokenizer_config.json", _checkpoint, is_json=True,
               others=_beside_config, cost=2),
        Target("generation_config.json", [b'{"eos_token_id": [1, 2]}'], "generation_config.json", _checkpoint,
               is_json=True, others=_beside_config, cost=2),
        Target("safetensors", [_safetensors()], "m.safetensors", lambda f: safetensors_file.read(f / "m.safetensors")),
        Target("adapter_config.json", [b'{"r": 8, "lora_alpha": 16, "base_model_name_or_path": "a/b"}'],
               "adapter_config.json", lora.read, is_json=True,
               others=lambda f: (f / "adapter_model.safetensors").write_bytes(_safetensors())),
        Target("model card", [_CARD], "README.md", card.read),
        Target("any JSON", [_CONFIG], "any.json", lambda f: config_json.read(f / "any.json"), is_json=True),
    ]  # fmt: skip


def _contents(below: str, pattern: str) -> list[bytes]:
    first, _, rest = below.partition("/")
    return [path.read_bytes() for path in sorted((content(first) / rest).glob(pattern))]
