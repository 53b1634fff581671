"""What is a secret by its name, and how arguments and environments are kept free of secrets."""

import re
from collections.abc import Iterable, Mapping

MASK = "[hidden]"

_SECRET = {
    *("apikey", "auth", "authorization", "cookie", "cookies", "credential", "credentials", "jwt", "passphrase"),
    *("passwd", "password", "pwd", "secret", "secrets", "sig", "signature"),
    "hft",  # llama-server's short --hf-token
}
_SECRET_AT_THE_END = frozenset({"key", "keys", "token", "pat"})  # API_KEY and HF_TOKEN, not stop_token_ids
_WORD = re.compile(r"[A-Z]*[a-z]+|[A-Z]+|[0-9]+")
_PASSED_ON = "--engine-arg="
_NOT_SECRET = {"PWD", "OLDPWD"}
_IN_URL = re.compile(r"(?<=://)[^/\s@]*:[^\s,'\"]*@")


def is_secret_name(name: str) -> bool:
    """Whether a header, option, field or variable of this name holds a secret: X-Api-Key, --hf-token, HF_TOKEN.

    By whole words, so that TOKENIZERS_PARALLELISM, max_tokens and stop_token_ids hold none.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    while len(words) > 1 and (words[-1] == "id" or words[-1].isdigit()):
        words.pop()
    if name in _NOT_SECRET or not words:
        return False
    return words[-1] in _SECRET_AT_THE_END or not _SECRET.isdisjoint(words)


def hide_arguments(words: Iterable[str]) -> list[str]:
    """Return a command line with the values of its secret options masked.

    `--api-key X` and `--api-key=X`, and both behind `--engine-arg=`.
    """
    hidden: list[str] = []
    is_value = False
    for word in words:
        prefix = _PASSED_ON if word.startswith(_PASSED_ON) else ""
        inner = word.removeprefix(prefix)
        flag, equals, _ = inner.partition("=")
        is_secret = inner.startswith("-") and is_secret_name(flag)
        if is_value:
            inner = MASK
        elif is_secret and equals:
            inner = f"{flag}={MASK}"
        is_value = is_secret and not equals and not is_value
        hidden.append(prefix + hide_passwords(inner))
    return hidden


def hide_passwords(text: str) -> str:
    """Mask user and password within URLs."""
    return _IN_URL.sub(f"{MASK}@", text)


def hide_fields(value: object) -> object:
    """Return a JSON value with every field masked whose name is that of a secret, however deep; no switch is one."""
    if isinstance(value, Mapping):
        return {key: MASK if _is_secret(str(key), each) else hide_fields(each) for key, each in value.items()}
    if isinstance(value, list):
        return [hide_fields(each) for each in value]
    return value


def _is_secret(name: str, value: object) -> bool:
    return is_secret_name(name) and value is not None and not isinstance(value, bool)


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that hold no secret, by their names and by passwords within URLs."""
    return {
        name: value for name, value in environment.items() if not is_secret_name(name) and not _IN_URL.search(value)
    }
