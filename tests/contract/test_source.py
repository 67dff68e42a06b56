"""The rules of the source hold in the product, and each one finds a sample that breaks it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.contract.source import FUNCTION_LINES, LINES, ROOT, RULES, Module, package

BODY: Final = "\n".join(["    x = 1"] * FUNCTION_LINES)
BROKEN: Final[dict[str, list[tuple[str, str]]]] = {
    "long_files": [("accord/domain/long.py", "x = 1\n" * (LINES + 1))],
    "long_functions": [("accord/domain/a.py", f"async def act():\n    y = 2\n{BODY}\n")],
    "late_imports": [("accord/domain/a.py", "def act():\n    if True:\n        import json\n")],
    "private_names": [("accord/services/a.py", "from accord.services.grants.share import _move\n")],
    "reads_elsewhere": [("accord/services/a.py", "from sqlalchemy import select, update\n")],
    "reserved_names": [("accord/services/member_utils.py", "")],
}
ALSO_BROKEN: Final = [
    ("private_names", "accord/services/a.py", "from accord.services import share\nshare._move()\n"),
    ("reads_elsewhere", "accord/app.py", "x = 'SELECT id FROM accord.users WHERE true'\n"),
    ("reads_elsewhere", "accord/http/a.py", "x = '''\n  with a as (select 1) select * from a'''\n"),
    ("late_imports", "accord/app.py", "class A:\n    async def b(self):\n        from json import dumps\n"),
    ("reserved_names", "accord/core/activity.py", ""),
]
SOUND: Final = [
    (
        "long_functions",
        "accord/domain/a.py",
        f'def act(\n    a,\n    b,\n):\n    """Said.\n\n    More.\n    """\n{BODY}\n',
    ),
    (
        "private_names",
        "accord/services/a.py",
        "from accord.services import share\nclass A:\n    x = share.move\n    _y = 1\n",
    ),
    ("reads_elsewhere", "accord/database/a.py", "from sqlalchemy import select\n"),
    ("reserved_names", "accord/database/postmaster.py", ""),
    ("late_imports", "accord/app.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import json\n"),
]


@pytest.mark.parametrize("name", RULES)
def test_the_product_keeps_the_rule(name: str) -> None:
    assert RULES[name](package()) == []


@pytest.mark.parametrize("name", RULES)
def test_a_sample_that_breaks_it_is_found(name: str) -> None:
    assert RULES[name]([Module.of(path, text) for path, text in BROKEN[name]])


@pytest.mark.parametrize(("name", "path", "text"), ALSO_BROKEN)
def test_another_way_to_break_it_is_found(name: str, path: str, text: str) -> None:
    assert RULES[name]([Module.of(path, text)])


@pytest.mark.parametrize(("name", "path", "text"), SOUND)
def test_what_looks_like_it_is_let_through(name: str, path: str, text: str) -> None:
    assert RULES[name]([Module.of(path, text)]) == []


def lint_layers(folder: Path) -> tuple[int, str]:
    """The layers of `pyproject.toml`, asked about the package in this folder."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--config", str(folder / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


BREAKS: Final = {
    "domain knows the database": ("domain/text.py", "from accord.database.engine import Database\n"),
    "access knows SQLAlchemy": ("access/facts.py", "import sqlalchemy\n"),
    "a service knows HTTP": ("services/people/member.py", "import starlette\n"),
    "the database knows a service": (
        "database/engine.py",
        "from accord.services.people.joining import invite_member\n",
    ),
    "a service knows the schema": ("services/people/member.py", "from accord.schema.context import Context\n"),
    "a noun knows another noun": (
        "services/grants/account.py",
        "from accord.services.people.joining import invite_member\n",
    ),
}


def test_the_layers_are_kept() -> None:
    code, said = lint_layers(ROOT)
    assert code == 0, said


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_layer_is_found(name: str, tmp_path: Path) -> None:
    where, line = BREAKS[name]
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    for module in package():
        copy = tmp_path / "src" / module.path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(module.text, encoding="utf-8")
    broken = tmp_path / "src" / "accord" / where
    first, _, rest = broken.read_text(encoding="utf-8").partition("\nfrom ")
    broken.write_text(f"{first}\n{line}from {rest}", encoding="utf-8")
    code, said = lint_layers(tmp_path)
    assert code != 0
    assert "BROKEN" in said


HOSTS: Final = (
    ("registry", "npmjs"),
    ("files", "pythonhosted"),
    ("pypi", "org/simple"),
    ("deb", "debian"),
    ("registry", "yarnpkg"),
    ("conda", "anaconda"),
)
FOLDERS: Final = ("work", "root", "tmp")
FOREIGN: Final = re.compile(
    rf"(?:{'|'.join(map(re.escape, map('.'.join, HOSTS)))})|(?<![\w.-])/(?:{'|'.join(FOLDERS)})/|(?<![\w/])/home/[a-z]"
)
"""Registries and folders of a machine, put together from their parts: this file keeps the rule, too."""


def texts_of_the_tree() -> dict[str, str]:
    """Every text file under version control."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    texts = {}
    for name in filter(None, listed.stdout.split("\0")):
        try:
            texts[name] = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue
    return texts


def test_nothing_in_the_tree_names_a_registry_or_somebodys_folder() -> None:
    found = {name: FOREIGN.findall(text) for name, text in texts_of_the_tree().items()}
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.parametrize(
    "text",
    [
        *(f"https://{first}.{rest}/x" for first, rest in HOSTS),
        *(f"see /{folder}/x" for folder in FOLDERS),
        *(f"{before}home/ada/x" for before in ("/", "in /")),
    ],
)
def test_such_a_name_is_found(text: str) -> None:
    assert FOREIGN.search(text)


@pytest.mark.parametrize(
    "text", ["/var/lib/accord", f"https://accord.example/{FOLDERS[0]}/", "network/", "$HOME/.cache"]
)
def test_other_names_are_none(text: str) -> None:
    assert not FOREIGN.search(text)


def test_the_lock_of_the_console_names_no_registry() -> None:
    lock = json.loads((ROOT / "src" / "console" / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"]
    assert not [name for name, package in lock["packages"].items() if package.get("resolved")]
