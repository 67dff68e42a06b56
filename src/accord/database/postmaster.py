"""What the operating system and its pid file say about a PostgreSQL server."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The server that wrote `postmaster.pid` in a data folder; it may be dead, and its id may be somebody else's."""

    data: Path
    process_id: int
    port: int
    ready: bool

    @classmethod
    def of(cls, data: Path) -> Self | None:
        """Read the pid file: id, data folder, start, port, socket folder, address, shared memory, status."""
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
            port = int(lines[3]) if len(lines) > 3 else 0
            return cls(data, int(lines[0]), port, len(lines) > 7 and lines[7].strip() == "ready")
        except (FileNotFoundError, ValueError, IndexError):
            return None

    @property
    def alive(self) -> bool:
        """Is it a running server of this data folder? A zombie is not, nor is another program with its id."""
        return self.process_id in self.working_in(self.data)

    def signal(self, kind: signal.Signals) -> None:
        """Send a signal, unless the server is gone."""
        if self.alive:
            os.kill(self.process_id, kind)

    @staticmethod
    def working_in(data: Path) -> frozenset[int]:
        """Ids of the living processes of the server of this folder."""
        return _by_proc(data) if (PROCESSES / "self" / "stat").exists() else _by_ps(data)


def _by_proc(data: Path) -> frozenset[int]:
    """A server and its children have the data folder as working directory; a zombie has none."""
    found = set()
    real = str(data.resolve())
    for entry in PROCESSES.iterdir():
        if entry.name.isdecimal():
            try:
                if str((entry / "cwd").readlink()) == real:
                    found.add(int(entry.name))
            except OSError:
                continue
    return frozenset(found)


def _by_ps(data: Path) -> frozenset[int]:
    """Without /proc: the server names its data folder in its command line."""
    listing = subprocess.run(
        ["/bin/ps", "-ww", "-A", "-o", "pid=,stat=,command="], capture_output=True, text=True, check=True
    ).stdout
    lines = (line.split(None, 2) for line in listing.splitlines())
    return frozenset(
        int(parts[0])
        for parts in lines
        if len(parts) == 3 and not parts[1].startswith("Z") and f" -D {data} " in f"{parts[2]} "
    )
