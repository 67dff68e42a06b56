"""A worker that is killed loses no mail, and sends hardly any twice: such a copy has the Message-ID of the first."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from multiprocessing.process import BaseProcess
from random import Random
from typing import Final

from accord.database.engine import Database
from accord.delivery.smtp import Encryption, Smtp
from accord.delivery.worker import Delivery, run
from accord.services.outbox import Recipient, enqueue
from tests.delivery.conftest import PUBLIC_URL, no_sweep
from tests.delivery.sink import Sink
from tests.delivery.tenants import Owner, Tenant, invitation
from tests.processes import FORKING
from tests.scale import count
from tests.servers import DatabaseURLs

MAILS: Final = count(test=160, check=800)
KILLS: Final = count(test=4, check=20)
PATIENCE: Final = 240.0
UNSENT: Final = "SELECT count(*) FROM accord.mails WHERE state <> 'SENT'"


def work(url: str, port: int) -> None:
    """The life of one worker."""

    async def live() -> None:
        smtp = Smtp("127.0.0.1", "accord@mail.example", port, encryption=Encryption.NONE, timeout=3)
        await run(Database(url), Delivery(PUBLIC_URL, smtp), asyncio.Event(), no_sweep)

    asyncio.run(live())


def begin(url: str, port: int) -> BaseProcess:
    process = FORKING.Process(target=work, args=(url, port), daemon=True)
    process.start()
    return process


async def test_a_killed_worker_loses_nothing_and_repeats_hardly_anything(
    database_urls: DatabaseURLs, owner: Owner, host: Tenant, sink: Sink
) -> None:
    """Before there was a claim, 39 of 800 mails arrived twice in 20 kills."""
    gateway = Database(database_urls.gateway, mails_per_hour=MAILS)
    async with gateway.transaction(host.identity, host.organisation_id) as tx:
        for number in range(0, MAILS, 20):
            people = [Recipient(f"person{number + place}@kestrel.example") for place in range(20)]
            await enqueue(tx, replace(invitation(host, *people), counted=False))
    await gateway.close()
    moment = Random(0)  # a kill is not tied to the server's yes
    for kill in range(1, KILLS + 1):
        worker = begin(database_urls.worker, sink.port)
        await sink.wait_for(min(kill * MAILS // (KILLS + 1), MAILS), within=PATIENCE)
        await asyncio.sleep(moment.uniform(0, 0.05))
        worker.kill()
        await asyncio.to_thread(worker.join)
    worker = begin(database_urls.worker, sink.port)
    async with asyncio.timeout(PATIENCE):
        left = await owner.fetchval(UNSENT)
        while left:
            await asyncio.sleep(0.2)
            left = await owner.fetchval(UNSENT)
    worker.kill()
    await asyncio.to_thread(worker.join)
    assert set(sink.recipients) == {f"person{number}@kestrel.example" for number in range(MAILS)}
    times = Counter(str(message["Message-ID"]) for message in sink.accepted)
    assert len(times) == MAILS, "a copy has the Message-ID of the first"
    repeated = sum(times.values()) - MAILS
    assert repeated <= KILLS, f"{repeated} of {MAILS} mails arrived twice in {KILLS} kills"
