import pytest

from profiler.servers.secrets import hide_arguments, hide_fields, hide_passwords, is_secret_name, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "Proxy-Authorization", "api-key", "X-Api-Key", "x-goog-api-key", "Cookie", "X-Auth-Token"),
        *("Ocp-Apim-Subscription-Key", "X-Amz-Security-Token", "CF-Access-Client-Secret", "X-Functions-Key"),
        *("--api-key", "--hf-token", "-hft", "HF_TOKEN", "LLAMA_API_KEY", "AWS_ACCESS_KEY_ID", "OPENAI_API_KEY_2"),
        *("AWS_SECRET_ACCESS_KEY", "GITHUB_PAT", "MYSQL_PWD", "PGPASSWORD_FILE_PASSWORD", "apiKey", "sig", "jwt"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("X-Env", "User-Agent", "OpenAI-Organization", "api-version", "TOKENIZERS_PARALLELISM", "PWD", "OLDPWD"),
        *("PATH", "HOME", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "VLLM_CPU_KVCACHE_SPACE"),
        *("max_tokens", "stop_token_ids", "--max-num-batched-tokens", "--cache-type-k", "--tokenizer", "KEYBOARD", ""),
    ],
)
def test_names_of_nothing_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_arguments_keep_their_names_and_lose_their_secrets() -> None:
    words = ["s", "--api-key", "a", "--hf-token=b", "--threads", "2", "-hft", "-c", "--model", "http://u:d@h/x"]
    assert hide_arguments(words) == [
        *("s", "--api-key", "[hidden]", "--hf-token=[hidden]", "--threads", "2", "-hft", "[hidden]"),
        *("--model", "http://[hidden]@h/x"),
    ]
    passed_on = ["--engine-arg=--api-key", "--engine-arg=a", "--engine-arg=--hf-token=b", "--engine-arg=--no-mmap"]
    assert hide_arguments(passed_on) == [
        *("--engine-arg=--api-key", "--engine-arg=[hidden]", "--engine-arg=--hf-token=[hidden]"),
        "--engine-arg=--no-mmap",
    ]
    assert hide_arguments(["--api-key-file", "/etc/key"]) == ["--api-key-file", "/etc/key"]


def test_fields_of_a_body_are_masked_however_deep() -> None:
    body = {"user": "me", "auth": {"any": 1}, "extra": [{"api_key": "s"}], "add_bos_token": True, "stop": ["key"]}
    assert hide_fields(body) == {
        "user": "me",
        "auth": "[hidden]",
        "extra": [{"api_key": "[hidden]"}],
        "add_bos_token": True,
        "stop": ["key"],
    }


def test_passwords_within_urls() -> None:
    assert hide_passwords("see http://u:p/a@ss@h:1/x, http://h/y") == "see http://[hidden]@h:1/x, http://h/y"


def test_an_environment_without_secrets() -> None:
    kept = {"PATH": "/bin", "HOME": "/root", "PWD": "/x", "LLAMA_ARG_THREADS": "2", "TOKENIZERS_PARALLELISM": "false"}
    secrets = {"HF_TOKEN": "x", "LLAMA_API_KEY": "x", "LLAMA_ARG_API_KEY": "x", "DATABASE_URL": "postgres://u:p@h/d"}
    assert without_secrets(kept | secrets) == kept
