"""The list of wrong rules holds together, and a trial tells a rule that is noticed from one that is not."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from tests.mutants.__main__ import _arguments, _chosen, _faults, main, shares
from tests.mutants.listed import Mutant, listed
from tests.mutants.trial import ROOT, Came, Copy, Verdict

MUTANTS: Final = listed()
LEAST: Final = 150
NEAR: Final = ("tests/domain/test_life_cycles.py",)
UNNOTICED: Final = Mutant(
    "a comment says something else", Path("src/accord/domain/level.py"), "NONE < SUPPORT < MANAGE.", "As it was.", NEAR
)
NOTICED: Final = Mutant(
    "removed shares come back",
    Path("src/accord/domain/sharing.py"),
    "(ShareState.ACTIVE, ShareEvent.UNSHARE): ShareState.REMOVED",
    "(ShareState.ACTIVE, ShareEvent.UNSHARE): ShareState.ACTIVE",
    NEAR,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.means)
def test_a_wrong_rule_stands_where_the_right_one_does(mutant: Mutant) -> None:
    """Whoever moves or rewrites a rule meets the name of its row here."""
    broken = mutant.broken((ROOT / mutant.file).read_text(encoding="utf-8"))
    ast.parse(broken)
    assert mutant.tests
    for test in mutant.tests:
        assert (ROOT / test.partition("::")[0]).exists(), test


def test_there_are_enough_and_each_has_its_own_name() -> None:
    assert len(MUTANTS) >= LEAST
    assert [means for means, times in Counter(mutant.means for mutant in MUTANTS).items() if times > 1] == []
    assert sum(mutant.survives is not None for mutant in MUTANTS) <= 0.03 * len(MUTANTS)


def test_a_text_that_is_gone_or_twice_there_is_told_by_name() -> None:
    for text in ("no such rule", "self"):
        with pytest.raises(ValueError, match="a comment says something else"):
            replace(UNNOTICED, text=text).broken("self and self")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = Copy(tmp_path_factory.mktemp("copy"), seed=1)
    yield made
    made.close()


def test_a_trial_tells_what_is_noticed_from_what_is_not(copy: Copy) -> None:
    """The negative control: a change without meaning survives; and no trial leaves anything in the tree or the copy."""
    before = {mutant.file: (ROOT / mutant.file).read_bytes() for mutant in (NOTICED, UNNOTICED)}
    found = copy.try_out(NOTICED)
    assert (found.came, found.by.partition("::")[0]) == (Came.FOUND, NEAR[0])
    assert copy.try_out(UNNOTICED).came is Came.SURVIVED
    assert copy.try_out(replace(NOTICED, text="gone")).came is Came.BROKEN
    assert copy.try_out(replace(NOTICED, becomes="no (python")).came is Came.BROKEN
    for file, content in before.items():
        assert (ROOT / file).read_bytes() == (copy.folder / file).read_bytes() == content


def test_what_a_run_complains_about() -> None:
    given_up = replace(UNNOTICED, survives="It is a comment.")
    fine = {NOTICED: Verdict(Came.FOUND), given_up: Verdict(Came.SURVIVED)}
    assert [fault.split()[0] for fault in _faults(fine)] == ["only"]
    many = {replace(NOTICED, means=str(number)): Verdict(Came.FOUND) for number in range(40)}
    assert list(_faults(many | fine)) == []
    for mutant, came in ((UNNOTICED, Came.SURVIVED), (given_up, Came.FOUND), (NOTICED, Came.BROKEN)):
        (fault,) = _faults(many | {mutant: Verdict(came)})
        assert mutant.means in fault


def test_a_few_are_chosen_by_the_seed_and_none_that_was_given_up() -> None:
    first, again, other = (_chosen(_arguments(["--some", "12", "--seed", seed])) for seed in ("1", "1", "2"))
    assert first == again != other
    assert len(first) == len(set(first)) == 12
    assert not any(mutant.survives for mutant in first)


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_each_test_is_seen_green_once_before(jobs: int) -> None:
    """Also where several rules have it, and where there are more jobs than tests."""
    two = [NOTICED, replace(UNNOTICED, tests=(*NEAR, "tests/domain/test_bounds.py"))]
    run = shares(two, jobs)
    assert sorted(test for share in run for test in share) == ["tests/domain/test_bounds.py", *NEAR]
    assert len(run) == min(jobs, 2)


def test_a_word_that_names_no_rule_is_an_error() -> None:
    with pytest.raises(SystemExit):
        main(["no rule has this word"])
