"""The growth benchmark: what each operation costs in a small tenant and in a large one.

`python -m tests.performance.growth` measures 200, 1,000 and 5,000 partners; words as arguments measure only the
operations whose name or asker contains one of them. The data sets stay for the next run.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
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
from tests.performance.growth.verdict import COUNTED, FLOOR, compared, table, verdict

SIZES: Final = (200, 1_000, 5_000)
OUTPUT: Final = peers.ROOT / "build" / "growth"


async def measured(sizes: Sequence[int], only: Sequence[str], pace: Pace, output: Path, *, counted: bool) -> str:
    """Measure all sizes, write the full tables into the folder, and return the verdict."""
    progress = Progress(shown)
    with cluster.running(cluster.kept(), durable=False, given=MEASURED) as server:
        for size in sizes:
            await provide_grown(server, Grown(size), progress)
    found = {}
    with cluster.running(cluster.kept(), given=MEASURED) as server:
        for size in sizes:
            async with ready(server, Grown(size), output, progress) as one:
                found[size] = await costs(one, only, pace, progress)
    grown = compared(found)
    floors = COUNTED if counted else FLOOR
    written = {one.operation.key: {str(size): cost.as_json() for size, cost in one.costs.items()} for one in grown}
    (output / "growth.json").write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2))
    (output / "growth.md").write_text(table(grown, floors), encoding="utf-8")
    return verdict(grown, floors)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help="words of operations")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="partners")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5, help="in which the rounds of one operation begin")
    parser.add_argument("--counted", action="store_true", help="judge by statements, rows and pages, as the check does")
    given = parser.parse_args()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    pace = Pace(rounds=given.rounds, seconds=given.seconds)
    shown(uvloop.run(measured(sorted(given.sizes), given.only, pace, OUTPUT, counted=given.counted)))
