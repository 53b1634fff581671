"""What is wrong with a definition, in sentences: the value seen, the form expected, the nearest right name.

The forms are read off the JSON Schema, so that no sentence can disagree with it.
"""

from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import ValidationError

from profiler.definitions.yaml_source import KeyPath

Fragment = dict[str, Any]


_BRANCHES = ("one", "several")  # of a key that takes a value or a list of them


class Mistake(NamedTuple):
    """A key and what is wrong with it."""

    path: KeyPath
    sentence: str


def mistakes(error: ValidationError, schema: Fragment) -> list[Mistake]:
    """Return a sentence for everything that pydantic found wrong with values of this JSON Schema."""
    return [_mistake(dict(detail), schema) for detail in error.errors(include_url=False)]


def _mistake(detail: Fragment, schema: Fragment) -> Mistake:
    kind, value = detail["type"], detail["input"]
    path, around, fragment = _follow(detail["loc"], schema)
    if kind.startswith("union_tag_") and isinstance(value, dict):
        tag_key = fragment["discriminator"]["propertyName"]
        path = (*path, tag_key)
        fragment = {"enum": list(fragment["discriminator"]["mapping"])}
        kind, value = ("wrong", value[tag_key]) if tag_key in value else ("missing", None)
    name = repr(".".join(map(str, path)))
    if kind == "extra_forbidden":
        return Mistake(path, f"unknown key {name}.{_suggestion(path, around)}")
    if kind == "missing":
        return Mistake(path, f"the key {name} is missing: expected {_expectation(fragment)}")
    return Mistake(path, f"{name} is {show(value)}: expected {_expectation(fragment)}{_near(value, fragment)}")


def _follow(location: tuple[str | int, ...], schema: Fragment) -> tuple[KeyPath, Fragment, Fragment]:
    """Walk pydantic's location through the schema: return (key path, fragment around it, its fragment).

    Unlike the location, the path is what the file says: it is without the tags of unions.
    """
    path: KeyPath = ()
    around = fragment = schema
    for step in location:
        tags = fragment.get("discriminator", {}).get("mapping", {})
        if step in tags:
            fragment = _resolve(schema, {"$ref": tags[step]})
        elif "oneOf" in fragment and step in _BRANCHES:
            fragment = {**fragment["oneOf"][_BRANCHES.index(str(step))], "description": fragment["description"]}
        else:
            path, around = (*path, step), fragment
            inner = fragment.get("items") if isinstance(step, int) else fragment.get("properties", {}).get(step)
            fragment = _resolve(schema, inner or {})
    return path, around, fragment


def _resolve(schema: Fragment, fragment: Fragment) -> Fragment:
    """Return the definition that a fragment refers to, under the description that stands closest.

    A key that may be left out is described as if it were given.
    """
    choices = [choice for choice in fragment.get("anyOf", []) if choice.get("type") != "null"]
    if len(choices) == 1:
        return _resolve(schema, {**choices[0], **{key: value for key, value in fragment.items() if key != "anyOf"}})
    if "$ref" not in fragment:
        return fragment
    definition: Fragment = schema["$defs"][fragment["$ref"].rpartition("/")[2]]
    return {**definition, **fragment}


def _suggestion(path: KeyPath, around: Fragment) -> str:
    known = list(around.get("properties", {}))
    near = get_close_matches(str(path[-1]), known, n=1)
    if near:
        return f" Did you mean '{'.'.join(map(str, (*path[:-1], near[0])))}'?"
    return f" The keys here are: {', '.join(known)}."


def _near(value: object, fragment: Fragment) -> str:
    near = get_close_matches(str(value), fragment.get("enum", []), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _expectation(fragment: Fragment) -> str:
    description = fragment.get("description", "")
    return f"{_form(fragment)}. {description}".rstrip()


def _form(fragment: Fragment) -> str:
    """Say in words what a fragment of the schema accepts."""
    if "discriminator" in fragment:
        tag = fragment["discriminator"]
        return f"a mapping whose '{tag['propertyName']}' is {_choice(list(tag['mapping']))}"
    if "const" in fragment or "enum" in fragment:
        return _choice(fragment.get("enum") or [fragment["const"]])
    if choices := fragment.get("anyOf") or fragment.get("oneOf"):
        return " or ".join(_form(choice) for choice in choices)
    if fragment.get("type") == "array":
        return f"a list of {fragment['minItems']} to {fragment['maxItems']}, each {_form(fragment['items'])}"
    if fragment.get("type") == "object":
        keys = fragment.get("properties")
        return f"a mapping with the keys {', '.join(keys)}" if keys else "a mapping of names and values"
    return _simple_form(fragment)


def _simple_form(fragment: Fragment) -> str:
    kind = fragment.get("type")
    if kind in {"integer", "number"}:
        return f"{'a whole number' if kind == 'integer' else 'a number'} {_range(fragment)}"
    forms = {"string": "a text", "boolean": "true or false", "null": "nothing"}
    return forms.get(str(kind), "another value")


def _range(fragment: Fragment) -> str:
    above, below = fragment.get("exclusiveMinimum"), fragment.get("exclusiveMaximum")
    highest = f"{fragment.get('maximum', below):,}".replace(",", " ")
    if above is None:
        return f"from {fragment['minimum']} to {highest}"
    return f"above {above}, up to {highest}" if below is None else f"above {above} and below {highest}"


def _choice(values: list[str]) -> str:
    return " or ".join(repr(value) for value in values)


def show(value: object, longest: int = 60) -> str:
    """Write a value as it could stand in the file, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "empty"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= longest else f"{text[:longest]}…"
