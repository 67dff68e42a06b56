"""Whether an operation grows with the tenant, and the tables that say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.performance.growth.meter import Cost
from tests.performance.growth.scene import Operation

MORE: Final = 2.0
"""How much more a page may cost in the largest tenant than in the smallest."""

FLOOR: Final[Mapping[str, float]] = {"gateway": 3.0, "database": 3.0}
"""Milliseconds of processor time that are noise."""

COUNTED: Final[Mapping[str, float]] = {"statements": 2.0, "rows": 30.0, "pages": 60.0}
"""What a count may differ by: a tree of an index has a level more, a page that was not full is."""

KINDS: Final[Mapping[str, str]] = {
    "screen": "13 screens as ten kinds of person",
    "": "lists and their filters",
    "node": "`node` of each kind as three people",
    "activity": "activity and its filters",
    "report": "reports",
    "SCIM": "the directory's questions",
    "file": "files",
}
"""What is measured, by the first word of an operation's name; the others are lists."""

SHOWN: Final = 40
"""Operations that grow and are shown in the documentation."""

MENDED: Final = 0.6
"""A count grows no longer where it is below this part of what it may be, so that no operation stands on the edge."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One operation at several sizes, from the smallest to the largest."""

    operation: Operation
    costs: Mapping[int, Cost]
    things: Mapping[int, int]

    @property
    def ends(self) -> tuple[Cost, Cost]:
        """The smallest and the largest."""
        return self.costs[min(self.costs)], self.costs[max(self.costs)]

    @property
    def share(self) -> float:
        """How much larger that is which the operation is about: once, for a page."""
        return self.things[max(self.things)] / max(self.things[min(self.things)], 1) if self.operation.things else 1.0

    def pressed(self, floors: Mapping[str, float]) -> dict[str, float]:
        """How far each measure stands from what it may be; above one it grows."""
        small, large = self.ends
        most = {name: MORE * self.share * getattr(small, name) + floor for name, floor in floors.items()}
        return {name: getattr(large, name) / most[name] for name in floors}

    def grows(self, floors: Mapping[str, float]) -> list[str]:
        """The measures that grow, and the outcome where it is another one or no answer."""
        found = [name for name, part in self.pressed(floors).items() if part > 1]
        small, large = self.ends
        changed = small.outcome != large.outcome or "TIMEOUT" in large.outcome or "broken off" in large.outcome
        return [*found, *(["outcome"] if changed else [])]

    def is_flat(self, floors: Mapping[str, float]) -> bool:
        """Is every measure clearly within what it may be?"""
        return not self.grows(floors) and max(self.pressed(floors).values()) < MENDED


def compared(sizes: Mapping[int, Mapping[str, tuple[Operation, Cost]]]) -> list[Growth]:
    """Return each operation with its costs at all sizes."""
    smallest = sizes[min(sizes)]
    return [
        Growth(
            operation,
            {size: found[key][1] for size, found in sizes.items()},
            {size: found[key][0].things for size, found in sizes.items()},
        )
        for key, (operation, _) in smallest.items()
    ]


def table(grown: Sequence[Growth], floors: Mapping[str, float] = FLOOR) -> str:
    """Return the operations as Markdown: milliseconds of gateway and PostgreSQL at each size, statements and outcome at
    the largest."""
    if not grown:
        return ""
    sizes = sorted(grown[0].costs)
    head = " | ".join(f"{size:,} partners" for size in sizes)
    lines = [f"| Operation | {head} | statements | bytes | outcome | grows by |", "|---|" + "---|" * (len(sizes) + 4)]
    lines += [f"| {line} |" for line in _lines(grown, sizes, floors)]
    return "\n".join(lines) + "\n"


def _lines(grown: Sequence[Growth], sizes: Sequence[int], floors: Mapping[str, float]) -> Iterator[str]:
    for one in grown:
        costs = [f"{one.costs[size].gateway:.0f} + {one.costs[size].database:.0f} ms" for size in sizes]
        large = one.ends[1]
        told = [f"{large.statements:.0f}", f"{large.size:,}", large.outcome, ", ".join(one.grows(floors))]
        yield " | ".join([one.operation.key, *costs, *told])


def summary(grown: Sequence[Growth]) -> str:
    """Return one line for each kind of operation: how many, how many of them grow, their dearest at each size."""
    sizes = sorted(grown[0].costs)
    head = " | ".join(f"dearest at {size:,}" for size in sizes)
    lines = [f"| What | operations | grow | time-outs | {head} |", "|---" * (4 + len(sizes)) + "|"]
    for kind, words in KINDS.items():
        found = [one for one in grown if kind_of(one) == kind]
        if found:
            late = sum("TIMEOUT" in one.ends[1].outcome for one in found)
            dearest = [f"{max(one.costs[size].whole for one in found):,.0f} ms" for size in sizes]
            growing = sum(bool(one.grows(FLOOR)) for one in found)
            lines.append(f"| {words} | {len(found)} | {growing} | {late} | {' | '.join(dearest)} |")
    return "\n".join(lines) + "\n"


def kind_of(one: Growth) -> str:
    """Return the kind of an operation, by the first word of its name."""
    word = one.operation.name.partition(" ")[0].strip(",:")
    return word if word in KINDS else ""


def verdict(grown: Sequence[Growth], floors: Mapping[str, float] = FLOOR, most: int | None = None) -> str:
    """Return how many operations grow and which, the dearest first; at most so many."""
    growing = sorted((one for one in grown if one.grows(floors)), key=lambda one: -one.ends[1].whole)
    late = sum("TIMEOUT" in one.ends[1].outcome for one in grown)
    said = f"{len(growing)} of {len(grown)} operations grow; {late} end in a time-out at the largest size.\n"
    return f"{said}\n{table(growing[:most], floors)}" if growing else said
