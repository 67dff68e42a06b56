"""The growth benchmark: what each operation costs in a small tenant and in a large one.

`python -m tests.performance.growth` measures 200, 1,000 and 5,000 partners; words as arguments measure only the
operations whose name or asker contains one of them. The data sets stay for the next run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import orjson
import uvloop

from tests.performance import cluster, peers
from tests.performance.bench import shown
from tests.performance.dataset import Progress
from tests.performance.growth.gateways import MEASURED, ready
from tests.performance.growth.measured import Pace, costs
from tests.performance.growth.tenants import Grown, provide_grown
from tests.performance.growth.verdict import COUNTED, FLOOR, SHOWN, Growth, compared, summary, table, verdict
from tests.performance.report import machine, publish

SIZES: Final = (200, 1_000, 5_000)
PLACE: Final = "<!-- found by python -m tests.performance.growth -->"
OUTPUT: Final = peers.ROOT / "build" / "growth"


async def measured(sizes: Sequence[int], only: Sequence[str], pace: Pace, output: Path) -> list[Growth]:
    """Measure all sizes, one after the other."""
    progress = Progress(shown)
    with cluster.running(cluster.kept(), durable=False, given=MEASURED) as server:
        for size in sizes:
            await provide_grown(server, Grown(size), progress)
    found = {}
    with cluster.running(cluster.kept(), given=MEASURED) as server:
        for size in sizes:
            async with ready(server, Grown(size), output, progress) as one:
                found[size] = await costs(one, only, pace, progress)
    return compared(found)


def written(grown: Sequence[Growth], floors: Mapping[str, float], output: Path) -> None:
    """Write the full tables into the folder."""
    costs_of = {one.operation.key: {str(size): cost.as_json() for size, cost in one.costs.items()} for one in grown}
    (output / "growth.json").write_bytes(orjson.dumps(costs_of, option=orjson.OPT_INDENT_2))
    (output / "growth.md").write_text(table(grown, floors), encoding="utf-8")


def published(grown: Sequence[Growth]) -> None:
    """Put what was found into the documentation."""
    found = f"{machine()}\n\n{summary(grown)}\n{verdict(grown, most=SHOWN)}"
    publish(found, peers.ROOT / "docs" / "performance.md", PLACE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="words of operations")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="partners")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="in which the rounds of one operation begin")
    parser.add_argument("--counted", action="store_true", help="judge by statements, rows and pages, as the check does")
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/performance.md")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="a folder for the full tables and the logs")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    floors = COUNTED if given.counted else FLOOR
    pace = Pace(rounds=given.rounds, seconds=given.seconds)
    grown = uvloop.run(measured(sorted(given.sizes), given.only, pace, given.output))
    written(grown, floors, given.output)
    sys.stdout.write(f"{summary(grown)}\n{verdict(grown, floors)}")
    if given.publish:
        published(grown)
