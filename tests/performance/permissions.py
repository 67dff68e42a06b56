"""P9: what permissions cost: the partners view with checks and policies on, and with both off, a process each.

`python -m tests.performance.permissions < task.json` is one such process: what is off is off from the import on.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from statistics import median
from typing import Any, Final

from tests.database.crawl import open_predicates
from tests.performance import peers, views
from tests.performance.dataset import Progress
from tests.servers import DatabaseURLs

REPEATS: Final = 60


async def once(task: dict[str, Any]) -> float:
    """The median milliseconds of one answer."""
    probe = importlib.import_module("tests.performance.probe")
    given = {"id": task["organisation"]}
    async with probe.probing(task["url"], task["subject"]) as asked:
        data = await asked.ask(views.PARTNERS, given)
        assert len(data["organisation"]["partnerships"]["edges"]) == task["partnerships"]
        found: float = await asked.milliseconds(views.PARTNERS, given, REPEATS)
        return found


async def permissions(urls: DatabaseURLs, partnerships: int, rounds: int, progress: Progress) -> str:
    """On and off in turn; the superuser is bound by no policy."""
    asker = await peers.first_asker(urls)
    body = views.ours(asker.organisation_id)["partners"]["variables"]
    given = {"subject": asker.subject, "organisation": body["id"], "partnerships": partnerships}
    tasks = {"on": {"url": urls.gateway, "open": False}, "off": {"url": urls.superuser, "open": True}}
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds):
        for name, task in tasks.items():
            progress(f"permissions {name}: round {number + 1} of {rounds}")
            found[name].append(await in_process(task | given))
    on, off = median(found["on"]), median(found["off"])
    return f"P9: permissions cost {on / off:.2f} times the view without any ({on:.1f} ms, {off:.1f} ms)\n"


async def in_process(task: dict[str, Any]) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=peers.ROOT
    )
    said, _ = await process.communicate(json.dumps(task).encode())
    if process.returncode:
        raise RuntimeError(f"the process ended with {process.returncode}")
    return float(said)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    if given["open"]:
        open_predicates()
    sys.stdout.write(str(asyncio.run(once(given))))
