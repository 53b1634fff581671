from profiler.run.begin import _tuned
from profiler.run.options import Options


def test_what_the_user_chose_of_the_engine_is_listed_without_secrets() -> None:
    assert _tuned(Options(engine="vllm", prompt_cache="warm")) == {}
    secret = ("--no-mmap", "--api-key", "hush")
    assert _tuned(Options(threads=3, context_tokens=512, kv_cache="q8_0", engine_args=secret)) == {
        "--threads": "3",
        "--context": "512",
        "--kv-cache": "q8_0",
        "--engine-arg": "--no-mmap --api-key [hidden]",
    }
