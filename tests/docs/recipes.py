"""Documents that can be run: operations with their variables and answers, as readers see them.

A recipe is a fenced `graphql` or `http` block, with `json variables` and `json answer` (or `csv answer`) blocks after
it. `As **mia@juniper.example**` in the text above says who sends it, ``in the session **`<name>`**`` after it in which
acting session. In variables, `"<name>"` stands for what an
earlier answer has shown at that place; in an answer it is what stands there from now on, and has to be the same
wherever it stands again (a version may change). `"…"` is anything. ``under the key **`word`**`` above an
operation is the `Idempotency-Key` that goes with it. An `http` block may show headers below its first line: then the
request has these and nobody's token.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2]
FENCE = re.compile(r"^```(.*)$")
WHO = re.compile(r"\bAs\s+\*\*(\S+?@\S+?)\*\*")
SESSION = re.compile(r"\bin the session\s+\*\*`(<[^<>`]+>)`\*\*")
KEY = re.compile(r"\bunder\s+the\s+key\s+\*\*`([^`]+)`\*\*")
NAME = re.compile(r"<([^<>]+)>")
ANYTHING = "…"


@dataclass(slots=True)
class Recipe:
    """One thing to send and what comes back."""

    place: str
    who: str | None
    kind: str
    text: str
    variables: str = "{}"
    answer: str = ""
    answer_kind: str = ""
    session: str = ""
    key: str = ""


@dataclass(slots=True)
class Known:
    """What the answers so far have shown."""

    values: dict[str, Any] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """The text with every name replaced; inside JSON a whole string that is a name keeps the value's type."""
        whole = re.sub(r'"<([^<>]+)>"', lambda found: json.dumps(self[found[1]]), text)
        return NAME.sub(lambda found: str(self[found[1]]), whole)

    def __getitem__(self, name: str) -> Any:
        assert name in self.values, f"nothing is known as <{name}>"
        return self.values[name]

    def learn(self, pattern: Any, given: Any, path: str = "") -> None:
        """Compare an answer with its pattern and keep what the pattern names."""
        if pattern == ANYTHING:
            assert given is not None, f"{path}: nothing there"
        elif isinstance(pattern, str) and (found := NAME.fullmatch(pattern)):
            self._keep(found[1], given, path)
        elif isinstance(pattern, dict):
            assert isinstance(given, dict), f"{path}: {given!r} is no object"
            assert pattern.keys() == given.keys(), f"{path}: {sorted(given)} instead of {sorted(pattern)}"
            for key, value in pattern.items():
                self.learn(value, given[key], f"{path}.{key}")
        elif isinstance(pattern, list):
            assert isinstance(given, list), f"{path}: {given!r} is no list"
            assert len(pattern) == len(given), f"{path}: {len(given)} items instead of {len(pattern)}: {given}"
            for place, value in enumerate(pattern):
                self.learn(value, given[place], f"{path}.{place}")
        else:
            assert pattern == given, f"{path}: {given!r} instead of {pattern!r}"

    def _keep(self, name: str, given: Any, path: str) -> None:
        assert given is not None, f"{path}: nothing there to be known as <{name}>"
        known = self.values.setdefault(name, given)
        if name.startswith("version"):
            self.values[name] = given
        else:
            assert known == given, f"{path}: {given!r}, but <{name}> is {known!r}"


def read_recipes(path: Path) -> list[Recipe]:
    """The recipes of a document, in order."""
    recipes: list[Recipe] = []
    who: str | None = None
    session = key = ""
    for line, kind, text in _blocks(path):
        if kind == "text":
            named = [*WHO.finditer(text)]
            who = named[-1][1] if named else who
            acting = SESSION.search(text, named[-1].end() if named else 0)
            session = acting[1] if acting else "" if named else session
            key = keys[-1] if (keys := KEY.findall(text)) else ""
        elif kind in {"graphql", "http"}:
            recipes.append(Recipe(f"{path.name}:{line}", who, kind, text, session=session, key=key))
        elif kind == "json variables":
            recipes[-1].variables = text
        elif kind in {"json answer", "csv answer"}:
            recipes[-1].answer, recipes[-1].answer_kind = text, kind.partition(" ")[0]
    return recipes


def _blocks(path: Path) -> Iterator[tuple[int, str, str]]:
    """Fenced blocks by their info string, and what stands between them as `text`."""
    kind, start, held = "text", 1, list[str]()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fence = FENCE.match(line)
        if fence is None:
            held.append(line)
            continue
        yield start, kind, "\n".join(held)
        kind, start, held = (fence[1].strip() or "plain", number + 1, []) if kind == "text" else ("text", number, [])
    assert kind == "text", f"{path.name}: a block is never closed"


def compare(recipe: Recipe, known: Known, given: Any) -> None:
    """The answer as the document shows it; an assertion names the document's line."""
    try:
        if recipe.answer_kind == "csv":
            for pattern, row in zip(
                csv.reader(recipe.answer.splitlines()),
                csv.reader(given.removeprefix("\ufeff").splitlines()),
                strict=False,
            ):
                known.learn(pattern, row, "csv")
        elif recipe.answer:
            known.learn(json.loads(recipe.answer), _shown(given))
        else:
            assert "errors" not in given, given
    except AssertionError as error:
        raise AssertionError(f"{recipe.place}: {error}\nanswered: {given}") from None


def _shown(given: Any) -> Any:
    """What documents show of an answer: without extensions of the whole and places of errors in the source."""
    if not isinstance(given, dict):
        return given
    shown = {key: value for key, value in given.items() if key != "extensions"}
    if "errors" in shown:
        shown["errors"] = [
            {key: value for key, value in error.items() if key != "locations"} for error in shown["errors"]
        ]
    return shown
