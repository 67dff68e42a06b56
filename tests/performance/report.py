"""The report: what was found, as tables in Markdown."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.performance.views_measured import Cost

HEAD: Final = (
    "| Who answers | requests/s | beside the engine | half within | 99 of 100 within | server CPU | PostgreSQL CPU |"
    " client CPU |\n|---|---|---|---|---|---|---|---|"
)


BEGIN: Final = "<!-- found by make bench -->"
END: Final = "<!-- until here -->"


def table(costs: Mapping[str, Cost], base: str = "engine") -> str:
    """One line for each server; all times in milliseconds, CPU for one request."""
    lines = [HEAD]
    for name, cost in costs.items():
        ratio = cost.per_second / costs[base].per_second
        times = " | ".join(
            f"{value:.2f} ms" for value in (cost.half, cost.slowest, cost.server, cost.database, cost.client)
        )
        lines.append(f"| {name} | {cost.per_second:.0f} | {ratio:.2f} | {times} |")
    return "\n".join(lines)


def chart(title: str, across: str, up: str, values: Mapping[str, float]) -> str:
    """A bar chart as Mermaid draws it, and the same as a line of text."""
    labels = ", ".join(f'"{name}"' for name in values)
    heights = ", ".join(f"{value:.1f}" for value in values.values())
    said = ", ".join(f"{name}: {value:.1f}" for name, value in values.items())
    return (
        f'```mermaid\nxychart-beta\n  title "{title}"\n  x-axis "{across}" [{labels}]\n  y-axis "{up}"\n'
        f"  bar [{heights}]\n```\n\n{title} ({up}; {across}): {said}.\n"
    )


def publish(found: str, page: Path, place: str = BEGIN) -> None:
    """Put what was found into the page, in the place of what was found before."""
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(place)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{page} has no place for what was found")
    page.write_text(f"{before}{begin}\n\n{found.strip()}\n\n{end}{after}", encoding="utf-8")


def machine() -> str:
    """The machine in one line."""
    told = dict(
        line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    )
    model = next(iter(told.values()), platform.machine()).strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB, Python {platform.python_version()}"
