"""In which forms servers tell an error within a response whose status says that all is well."""

from typing import Any

_REASON_KEYS = ("message", "msg", "detail", "errors", "error_type", "error_message", "errorMessage", "error_msg")
_GOOD_CODES = (0, 200, "0", "200")
_GOOD_MESSAGES = ("", "ok", "success")


def is_error(value: object) -> bool:
    """Whether the value of a field `error` tells one: gateways write false, "", {} or a code of 0 for none."""
    if isinstance(value, dict):
        message = value.get("message", value.get("msg", ""))
        says_good = isinstance(message, str) and message.strip().lower() in _GOOD_MESSAGES
        if says_good and value.get("code", value.get("status")) in _GOOD_CODES:
            return False
        return any(value.values())
    return bool(value) and value not in ("null", "none", "None")


def says_error(said: dict[str, Any]) -> bool:
    """Whether an object without choices and usage tells an error.

    vLLM: `{"object": "error", "message": …}`. TGI: `{"error": …, "error_type": …}`. FastAPI: `{"detail": …}`. OpenAI
    and Anthropic: `{"type": "error", …}`. Gateways: `{"message": …}`, `{"code": 500, "msg": …}`, `{"errors": […]}`.
    MiniMax: `{"base_resp": {"status_code": …}}`. Baidu: `{"error_code": …, "error_msg": …}`.
    """
    if is_error(said.get("error")) or said.get("object") == "error" or said.get("type") == "error":
        return True
    if said.get("choices") or said.get("usage"):
        return False
    base = said.get("base_resp")
    if isinstance(base, dict) and base.get("status_code"):
        return True
    reasons = [said.get(key) for key in _REASON_KEYS]
    if any(isinstance(text, str) and text.strip().lower() not in _GOOD_MESSAGES for text in reasons):
        return True
    return any(isinstance(details, list) and bool(details) for details in reasons)
