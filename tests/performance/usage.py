"""What processes have used, as Linux counts it in /proc: seconds of processor time."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
TICKS: Final = os.sysconf("SC_CLK_TCK")
PARENT, TIMES = 1, slice(11, 15)
"""Fields of /proc/<process>/stat after the name, counted from nought: the parent; the time of the process and of its
children that have ended, in programs and in the kernel."""


def fields(process: int) -> list[str]:
    """The fields after the name, which may itself hold blanks; none for a process that has ended."""
    try:
        text = (PROC / str(process) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def seconds(processes: Iterable[int]) -> float:
    """Processor time of these processes with all their threads and ended children."""
    return sum(sum(map(int, fields(process)[TIMES])) for process in processes) / TICKS


def family(process: int) -> list[int]:
    """A process and its children: PostgreSQL has one for each connection."""
    everyone = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    children = [other for other in everyone if (found := fields(other)) and int(found[PARENT]) == process]
    return [process, *children]


def milliseconds(process: int) -> float:
    """Processor time of a process with all its threads that live, to the microsecond; nought for one that has ended."""
    spent = 0
    for thread in (PROC / str(process) / "task").glob("*/schedstat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            spent += int(thread.read_text().split()[0])
    return spent / 1e6
