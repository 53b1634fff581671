"""What a server says when it refuses a field of a request.

OpenAI, Azure   {"error": {"message": "Unsupported parameter: 'max_tokens' … Use 'max_completion_tokens' instead.",
                "param": "max_tokens", …}}; "Unrecognized request argument supplied: stream_options"
FastAPI         {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], …}]}, and so Mistral
                within "message", vLLM as text: "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), …}]"
serde (TGI, …)  "unknown field `seed`, expected one of `messages`, `model`, `max_tokens`"
Google          "Invalid JSON payload received. Unknown name \\"seed\\": Cannot find field."
JSON Schema     "Additional properties are not allowed ('seed' was unexpected)"
LiteLLM         "… does not support parameters: ['seed'] …"
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping

_LOOKED_AT = 20_000
_MOST_DEPTH = 8
_LIMIT_FIELD = re.compile(r"\bmax\w*tokens\b", re.IGNORECASE)


def refused_field(text: str, fields: Collection[str]) -> str | None:
    """Return the first of these fields that an error names: in a place of its own for that, else in its text."""
    known = {_plain(name): name for name in fields}
    text = text[:_LOOKED_AT]
    for named in _structured(_json(text), _MOST_DEPTH):
        if (found := known.get(_plain(named.partition(".")[0]))) is not None:
            return found
    return next((known[_plain(word)] for word in re.findall(r"\w+", _message(text)) if _plain(word) in known), None)


def suggested_limit(text: str, tried: Collection[str]) -> str | None:
    """Return another name that an error gives for the field with the most tokens to make."""
    return next((name for name in _LIMIT_FIELD.findall(text[:_LOOKED_AT]) if name not in tried), None)


def _structured(value: object, depth: int) -> Iterator[str]:
    """Yield the names of fields in `param` and in `loc`, from the outside in."""
    if depth == 0:
        return
    if isinstance(value, Mapping):
        if isinstance(value.get("param"), str):
            yield value["param"]
        location = value.get("loc")
        yield from (part for part in location if isinstance(part, str)) if isinstance(location, list) else ()
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _structured(each, depth - 1)


def _message(text: str) -> str:
    """Return the sentence of an error; all of the text where it is none of the known forms."""
    said = _json(text)
    for key in ("error", "message", "detail"):
        if isinstance(said, Mapping) and isinstance(said.get(key), str | Mapping):
            said = said[key]
    return said if isinstance(said, str) else text


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _plain(name: str) -> str:
    """Return a name as it is compared: maxTokens is max_tokens."""
    return name.replace("_", "").lower()
