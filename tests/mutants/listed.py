"""The list of wrong rules: tables in `rules/`, one row a rule, and what makes a row a good one.

A row is what the wrong rule means, the exact text of the right one, and what stands in its place. The text occurs once
in its file, so that a row whose rule was moved or rewritten fails by its name and is not passed over.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

RULES: Final = Path(__file__).parent / "rules"
SOURCE: Final = Path("src") / "accord"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One wrong rule. `means` is its name; `survives` says why no test can find it, where that is so."""

    means: str
    file: Path
    text: str
    becomes: str
    tests: tuple[str, ...]
    survives: str | None = None

    def broken(self, source: str) -> str:
        """Return the source with the wrong rule in it; raise ValueError where the right one is not there just once."""
        found = source.count(self.text)
        if found != 1:
            raise ValueError(f"{self.means}: the text occurs {found} times in {self.file}, not once")
        return source.replace(self.text, self.becomes)


def listed() -> tuple[Mutant, ...]:
    """Return every mutant of every table, in the order of files and rows."""
    return tuple(mutant for path in sorted(RULES.glob("*.toml")) for mutant in _read(path))


def _read(path: Path) -> Iterator[Mutant]:
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = dict(table.get("survivors", {}))
    for group in table["rules"]:
        for means, text, becomes in group["wrong"]:
            because = unknown.pop(means, None)
            yield Mutant(means, SOURCE / group["file"], text, becomes, tuple(group["tests"]), because)
    if unknown:
        raise ValueError(f"{path.name} explains survivors that it does not list: {sorted(unknown)}")
