"""Random sequences of acts by random people, against the oracle (model 4.14)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.machine import Play
from tests.properties.rules import Machine
from tests.properties.stage import Stage
from tests.randomness import seeded
from tests.scale import SCALE, count
from tests.servers import DatabaseURLs
from tests.world import open_world

SEQUENCES = count(test=8, check=24, prove=300)
STEPS = 30


@pytest.fixture
def stage(database_urls: DatabaseURLs) -> Iterator[Stage]:
    """One world for all sequences."""
    with asyncio.Runner() as runner:
        opened = open_world(database_urls)
        world = runner.run(opened.__aenter__())
        try:
            yield Stage(world, runner)
        finally:
            runner.run(opened.__aexit__(None, None, None))


def chosen() -> int:
    """The seed of Hypothesis: the same for everybody but when proving, so that what fails is the change at hand."""
    return 0 if SCALE != "prove" and "ACCORD_TEST_SEED" not in os.environ else seeded().randrange(2**32)


def test_the_product_and_the_oracle_agree(stage: Stage) -> None:
    Machine.stage = stage
    Play.steps = 0
    Play.done = {}
    machine = seed(chosen())(type("Sequences", (Machine,), {}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    sys.stdout.write(f"{SEQUENCES} sequences, {Play.steps} acts; (done, refused): {Play.done}\n")
    verdict = stage.run(stage.world.verify())
    assert verdict.events
    assert not verdict.faults
