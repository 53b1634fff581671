"""A recorded host: the files that matter under `/proc` and `/sys`, and what `lscpu -J` answered."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Recording:
    root: Path
    lscpu: str

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
