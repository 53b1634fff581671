import json
from pathlib import Path

import pytest
from support import hub
from support.command import ALONE, Aforo
from support.extras import needed

from profiler.models import checkpoint_form, safetensors_file
from profiler.models.safetensors_file import TensorInfo
from profiler.models.shapes import TINY_1M


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, so that no test touches the user's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "aforo"


def test_the_list_fits_a_terminal_and_a_program(aforo: Aforo) -> None:
    shown = aforo("models").stdout
    assert "nomic-embed-text-v1.5" in shown
    assert "Q4_K_M" in shown
    assert "4.91" in shown  # Llama 3.1 8B in Q4_K_M: nothing is cut at 80 columns
    assert "…" not in shown
    assert "Made already" not in shown
    listed = {entry["id"]: entry for entry in json.loads(aforo("models", "--json").stdout)}
    assert listed["mistral-7b"]["parameters"] == 7_248_023_552


def test_a_model_is_made_and_shown(aforo: Aforo, tmp_path: Path) -> None:
    made = aforo("models", "make", "tiny-1m", "--quant", "q4_0", "--out", "it.gguf")
    assert (made.returncode, made.stdout) == (0, "it.gguf\n")
    assert "Writing it.gguf" in made.stderr
    shown = aforo("models", "show", "it.gguf")
    assert "Q4_0" in shown.stdout
    assert "Synthetic weights" in shown.stdout
    kept = aforo("models", "make", "tiny-1m", "--quant", "q4_0").stdout.strip()
    assert kept in aforo("models").stdout
    facts = json.loads(aforo("models", "show", "it.gguf", "--json", "-q").stdout)
    assert (facts["parameters"], facts["path"]) == (983_520, str(tmp_path / "it.gguf"))


def test_what_is_there_is_not_written_over(aforo: Aforo, tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_text("precious")
    for arguments in (
        ["make", "tiny-1m", "--out", "mine.gguf"],
        ["make", "tiny-1m", "--for", "vllm", "--out", "mine.gguf"],
        ["make-lora", "tiny-1m", "--out", "mine.gguf"],
    ):
        refused = aforo("models", *arguments)
        assert refused.returncode == 2
        assert "mine.gguf is there already" in refused.stderr
    assert (tmp_path / "mine.gguf").read_text() == "precious"


def test_a_synthetic_model_is_shown_without_being_made(aforo: Aforo, cache: Path) -> None:
    facts = json.loads(aforo("models", "show", "synthetic:llama-3.1-8b/Q4_K_M", "--json", "-q").stdout)
    assert (facts["parameters"], facts["kv_bytes_per_token"], facts["path"]) == (8_030_261_248, 131_072, None)
    assert not (cache / "models").exists()


def test_a_checkpoint_comes_from_the_hub_with_what_it_takes_and_no_more(
    aforo: Aforo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed("huggingface_hub")
    made = checkpoint_form.make(TINY_1M, tmp_path / "it")
    with (made / "model.safetensors").open("wb") as file:
        safetensors_file.write(file, {"a": TensorInfo("BF16", (10, 3))}, [bytes(60)], {})
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    unwanted = {"original/model.safetensors": b"1", "consolidated.safetensors": b"2", "pytorch_model.bin": b"3"}
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with hub.serve("me/My-1M-Instruct", {**files, **unwanted}) as (address, downloaded):
        monkeypatch.setenv("HF_ENDPOINT", address)
        shown = aforo("models", "show", "hf:me/My-1M-Instruct@v2", "--json", "-q")
        refused = aforo("run", "smoke", "--model", "hf:me/My-1M-Instruct", "--engine", "llama-server")
    assert sorted(downloaded) == sorted(files)
    facts = json.loads(shown.stdout)
    assert (facts["source"], facts["architecture"]) == ("hf:me/My-1M-Instruct@v2", "llama")
    assert facts["path"].endswith(f"snapshots/{hub.COMMIT}")
    assert refused.returncode == 2
    assert "which vllm serves" in refused.stderr


def test_a_repository_without_a_checkpoint_is_named(
    aforo: Aforo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed("huggingface_hub")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    with hub.serve("me/it-GGUF", {"it-Q4_0.gguf": b"GGUF", "README.md": b"it"}) as (address, downloaded):
        monkeypatch.setenv("HF_ENDPOINT", address)
        refused = aforo("models", "show", "hf:me/it-GGUF", "-q")
    assert refused.returncode == 2
    assert "holds no weights in *.safetensors. If it holds .gguf files, name one" in refused.stderr
    assert downloaded == ["README.md"]


def test_forms_for_vllm(aforo: Aforo, tmp_path: Path) -> None:
    assert aforo("models", "make", "tiny-1m", "--for", "vllm", "--out", "dir").stdout == "dir\n"
    assert (tmp_path / "dir" / "tokenizer.json").is_file()
    adapter = Path(aforo("models", "make-lora", "tiny-1m", "--rank", "4", "--for", "vllm").stdout.strip())
    facts = json.loads(aforo("models", "show", str(adapter), "--json", "-q").stdout)
    assert (facts["form"], facts["rank"]) == ("peft", 4)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["make", "lama-3.2-1b"], "Did you mean 'llama-3.2-1b'"),
        (["make", "tiny-1m", "--quant", "Q5"], "Unknown quantisation 'Q5'"),
        (["make", "tiny-1m", "--for", "tgi"], "--for tgi: expected llama.cpp or vllm"),
        (["make", "tiny-1m", "--out", "."], "is a folder. Name the file to write"),
        (["make", "config.json"], "config.json cannot be read"),
        (["show", "none.gguf"], "There is no model file 'none.gguf'"),
        (["show", "damaged.gguf"], "is truncated"),
        (["make-lora", "tiny-1m", "--targets", "some"], "Unknown targets 'some'"),
    ],
)
def test_mistakes_get_one_sentence(aforo: Aforo, tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "damaged.gguf").write_bytes(b"GGUF\x03\x00\x00\x00")
    done = aforo("models", *arguments)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_changed_model_under_the_same_name_is_said(aforo: Aforo, tmp_path: Path) -> None:
    needed("llama_cpp")

    def warnings(quantisation: str) -> str:
        (tmp_path / "it.gguf").unlink(missing_ok=True)
        assert aforo("models", "make", "tiny-1m", "--quant", quantisation, "--out", "it.gguf").returncode == 0
        out = f"runs-{quantisation}"
        assert aforo("run", "smoke", "--model", "it.gguf", "--out", out, "-q", *ALONE).returncode in {0, 3}
        (folder,) = (tmp_path / out).iterdir()
        return " ".join(json.loads((folder / "run.json").read_text())["warnings"])

    assert "last run under this name" not in warnings("Q8_0")
    assert "it.gguf is not the model that the last run under this name measured" in warnings("F16")


def test_a_run_with_an_adapter_says_so(aforo: Aforo, tmp_path: Path) -> None:
    needed("llama_cpp")
    assert aforo("models", "make-lora", "tiny-1m", "--rank", "4", "--out", "lora.gguf").returncode == 0
    done = aforo("run", "smoke", "--model", "synthetic:tiny-1m/Q8_0", "--lora", "lora.gguf", "-q", *ALONE)
    assert done.returncode in {0, 3}, done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    run = json.loads((folder / "run.json").read_text())
    assert (run["lora"]["rank"], run["status"]) == (4, "complete")
    assert str(tmp_path / "lora.gguf") in run["engine"]["command"]
    assert "--lora lora.gguf" in " ".join(run["command_line"])
    assert any("LoRA adapter" in warning for warning in run["warnings"])
    refused = aforo("run", "smoke", "--model", "synthetic:tiny-1m", "--lora", "none.gguf", "-q")
    assert refused.returncode == 2
    assert "none.gguf" in refused.stderr


def test_help_says_what_there_is(aforo: Aforo) -> None:
    shown = aforo("models", "--help").stdout
    assert all(verb in shown for verb in ("make", "make-lora", "show"))
