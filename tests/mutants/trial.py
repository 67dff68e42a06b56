"""Trials: the nearest tests of a wrong rule, run in a copy of the tree with the rule in it.

Each process of a run has a copy of its own, so that nothing is ever wrong in the working tree, and several rules are
tried at once. A rule is found when a test fails. A run that could not begin, or that broke off, finds nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import cache_from_source
from pathlib import Path
from typing import Final

from tests.mutants.listed import Mutant
from tests.servers import TEMPLATE, drop, start_test_server

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("src", "tests", "docs", "pyproject.toml", "schema.graphql", "README.md", "CHANGELOG.md")
LEFT_OUT: Final = shutil.ignore_patterns("node_modules", ".hypothesis")
PREPARES: Final = frozenset({"policies", "roles", "tables", "migrations"})
"""Folders and modules under `database/` that a database is made from."""

PATIENCE: Final = 600
"""Seconds that one trial may take on a busy machine."""

FAILED: Final = re.compile(r"^FAILED (\S+)", re.MULTILINE)


class Came(StrEnum):
    """What came of a trial."""

    FOUND = "found"
    SURVIVED = "survived"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one trial, the test that failed, and what pytest wrote."""

    came: Came
    by: str = ""
    output: str = ""


class Copy:
    """A copy of the tree in which rules are broken and mended again."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=LEFT_OUT, symlinks=True)
            else:
                shutil.copy2(source, folder / name)

        self.server = start_test_server()

    def close(self) -> None:
        """Stop the server of the copy."""
        self.server.stop()

    def try_out(self, mutant: Mutant) -> Verdict:
        """Run the nearest tests with this wrong rule; one whose text is gone is broken itself."""
        try:
            with self._broken(mutant):
                return self.run(mutant.tests)
        except ValueError as error:
            return Verdict(Came.BROKEN, output=str(error))

    def run(self, tests: Sequence[str]) -> Verdict:
        """Run tests in the copy until one fails."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
        environment |= {"PYTHONPATH": str(self.folder / "src"), "ACCORD_TEST_SEED": str(self.seed)}
        environment |= {"ACCORD_TEST_SCALE": "test", "ACCORD_TEST_SERVER": str(self.server.state)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--no-header", "-p", "no:cacheprovider"]
        command += [f"--hypothesis-seed={self.seed}", "--tb=short", *tests]
        try:
            done = subprocess.run(
                command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            return Verdict(Came.BROKEN, output=f"no answer within {PATIENCE} s")
        return _verdict(done.returncode, done.stdout + done.stderr)

    @contextmanager
    def _broken(self, mutant: Mutant) -> Iterator[None]:
        path = self.folder / mutant.file
        right = path.read_text(encoding="utf-8")
        wrong = mutant.broken(right)
        try:
            self._write(path, wrong)
            yield
        finally:
            self._write(path, right)

    def _write(self, path: Path, source: str) -> None:
        """Python takes compiled code for new where time and length are the same, so it goes with its source."""
        self._forget_template(path)
        path.write_text(source, encoding="utf-8")
        Path(cache_from_source(str(path))).unlink(missing_ok=True)

    def _forget_template(self, path: Path) -> None:
        """What a database is prepared from has changed, so the prepared one that tests copy is of no use."""
        if "database" in path.parts and PREPARES & {*path.parts, path.stem}:
            asyncio.run(drop(self.server, TEMPLATE))


def _verdict(code: int, output: str) -> Verdict:
    failed = FAILED.search(output)
    if code == 0:
        return Verdict(Came.SURVIVED, output=output)
    if code == 1 and failed is not None:
        return Verdict(Came.FOUND, failed[1], output)
    return Verdict(Came.BROKEN, output=output)
