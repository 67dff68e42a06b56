"""Break rules one by one and look whether the tests notice: `python -m tests.mutants` (`make mutants`).

The run fails where a rule survives that the list does not explain, where one is found that the list gives up, where a
trial could not be made, and where fewer than 97 of 100 are found.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.mutants.listed import Mutant, listed
from tests.mutants.trial import Came, Copy, Verdict

AIM: Final = 0.97
TAIL: Final = 12
"""So many lines of pytest's output tell why a trial could not be made."""


def main(given: Sequence[str] | None = None) -> int:
    """Try the rules that were asked for and say what came of them; return the exit status."""
    asked = _arguments(given)
    chosen = _chosen(asked)
    if not chosen:
        raise SystemExit(f"no rule has any of these words: {' '.join(asked.words)}")
    say(f"{len(chosen)} wrong rules; repeat with --seed {asked.seed}")
    verdicts = _tried(chosen, asked.jobs, asked.seed)
    return _report(verdicts)


def say(line: str) -> None:
    """Write a line at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--some", type=int, metavar="N", help="so many of the list, chosen by the seed")
    parser.add_argument("--seed", type=int, default=datetime.now(UTC).toordinal(), help="the day, unless given")
    parser.add_argument("--jobs", type=int, default=cpu_count() or 1, help="trials at once")
    parser.add_argument("words", nargs="*", help="only rules of files or with meanings that hold one of these")
    return parser.parse_args(given)


def _chosen(asked: argparse.Namespace) -> list[Mutant]:
    rules = [
        mutant
        for mutant in listed()
        if not asked.words or any(word in f"{mutant.file} {mutant.means}" for word in asked.words)
    ]
    if asked.some is None:
        return rules
    kept = [mutant for mutant in rules if mutant.survives is None]
    return random.Random(asked.seed).sample(kept, min(asked.some, len(kept)))


def _tried(chosen: Sequence[Mutant], jobs: int, seed: int) -> dict[Mutant, Verdict]:
    """Try each rule in one of so many copies, after the tests were green without any."""
    copies: SimpleQueue[Copy] = SimpleQueue()
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="accord-mutants-")))
        for number in range(jobs):
            copy = Copy(folder / str(number), seed)
            closing.callback(copy.close)
            copies.put(copy)
        pool = closing.enter_context(ThreadPoolExecutor(jobs))

        def green(tests: Sequence[str]) -> Verdict:
            copy = copies.get()
            try:
                return copy.run(tests)
            finally:
                copies.put(copy)

        def tried(mutant: Mutant) -> Verdict:
            copy = copies.get()
            try:
                verdict = copy.try_out(mutant)
            finally:
                copies.put(copy)
            say(f"{verdict.came:9}{mutant.file.name}: {mutant.means}  {verdict.by}")
            return verdict

        for verdict in pool.map(green, shares(chosen, jobs)):
            if verdict.came is not Came.SURVIVED:
                raise SystemExit(f"{verdict.by or 'a test'} is not green as it stands:\n{verdict.output}")
        return dict(zip(chosen, pool.map(tried, chosen), strict=True))


def shares(chosen: Sequence[Mutant], jobs: int) -> list[tuple[str, ...]]:
    """Return the tests of these rules, each of them once, in so many shares; none of them is empty."""
    tests = sorted({test for mutant in chosen for test in mutant.tests})
    return [share for number in range(jobs) if (share := tuple(tests[number::jobs]))]


def _report(verdicts: dict[Mutant, Verdict]) -> int:
    """Print what was found, what survived and why; return 1 where the list or the tests have to be mended."""
    counts = Counter(verdict.came for verdict in verdicts.values())
    faults = list(_faults(verdicts))
    say("\n" + ", ".join(f"{counts[came]} {came}" for came in Came))
    for mutant, verdict in verdicts.items():
        if verdict.came is Came.SURVIVED and mutant.survives is not None:
            say(f"survives: {mutant.means}: {mutant.survives}")
    for fault in faults:
        say(fault)
    return 1 if faults else 0


def _faults(verdicts: dict[Mutant, Verdict]) -> Iterable[str]:
    for mutant, verdict in verdicts.items():
        if verdict.came is Came.BROKEN:
            yield f"NOT TRIED {mutant.means}:\n" + "\n".join(verdict.output.splitlines()[-TAIL:])
        elif verdict.came is Came.SURVIVED and mutant.survives is None:
            yield f"SURVIVED {mutant.means} ({mutant.file}; {' '.join(mutant.tests)})"
        elif verdict.came is Came.FOUND and mutant.survives is not None:
            yield f"FOUND THOUGH GIVEN UP {mutant.means}: take it out of the survivors"
    found = sum(verdict.came is Came.FOUND for verdict in verdicts.values())
    if found < AIM * len(verdicts):
        yield f"only {found} of {len(verdicts)} found"


if __name__ == "__main__":
    sys.exit(main())
