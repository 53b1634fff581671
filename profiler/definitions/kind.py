"""A kind of definition: found by the id of a shipped one or by the path of a user's own, read, and checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from profiler.definitions import yaml_source
from profiler.definitions.mistakes import Mistake, mistakes
from profiler.errors import DefinitionError

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Kind(Generic[_Model]):
    """What definitions of one kind have in common. Every method raises `error`, with file, line and key."""

    name: str  # "workload"
    model: type[_Model]
    schema: Callable[[], dict[str, Any]]  # the JSON Schema of the model
    contradictions: Callable[[_Model], list[Mistake]]  # of keys that are right by themselves
    folder: Callable[[], Path]  # of the shipped ones
    error: type[DefinitionError]

    def shipped(self) -> dict[str, Path]:
        """Return the files of the shipped definitions by their ids, in order."""
        return {path.stem: path for path in sorted(self.folder().glob("*.yaml"))}

    def locate(self, reference: str) -> Path:
        """Return the file of a shipped id or of a path."""
        if reference.endswith((".yaml", ".yml")) or "/" in reference or "\\" in reference:
            return self._own(reference)
        shipped = self.shipped()
        if reference in shipped:
            return shipped[reference]
        near = get_close_matches(reference, shipped, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise self.error(
            f"Unknown {self.name} {reference!r}.{hint} Shipped ones: {', '.join(shipped)}. "
            "A file of your own is named by its path, ending in .yaml."
        )

    def _own(self, reference: str) -> Path:
        try:
            return Path(reference).expanduser()
        except RuntimeError:
            raise self.error(f"The home folder in {reference!r} is not known. Write the path out.") from None

    def read(self, path: Path) -> _Model:
        """Read a file and check all of it."""
        try:
            source = yaml_source.read(path)
        except DefinitionError as error:
            raise self.error(str(error)) from None
        definition, found = self.check(source.values)
        if definition is None or found:
            problems = [(source.line(mistake.path), mistake.sentence) for mistake in found]
            raise self.error(yaml_source.listed(path, problems))
        return definition

    def refusal(self, path: Path, found: list[Mistake]) -> DefinitionError:
        """Return the error that names mistakes which show only beside other files, each with its line."""
        source = yaml_source.read(path)
        return self.error(yaml_source.listed(path, [(source.line(one.path), one.sentence) for one in found]))

    def check(self, values: Mapping[str, object]) -> tuple[_Model | None, list[Mistake]]:
        """Return the definition that values make, and all that is wrong with it."""
        try:
            definition = self.model.model_validate(values, extra="forbid")  # which a run that is read keeps
        except ValidationError as error:
            return None, mistakes(error, self.schema())
        return definition, self.contradictions(definition)
