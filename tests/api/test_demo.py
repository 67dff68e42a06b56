"""The demo world: everything that the story promises is there, and nothing that the rules forbid."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from accord.database import audit
from accord.database.engine import Database
from accord.database.queries.read.demo import list_people
from accord.demo import NotEmpty, load_world
from accord.demo.cast import COMPANIES, OPERATOR, WELCOME
from accord.demo.stage import Stage, address
from accord.domain.organisation import MembershipStatus
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccessItemState, ShareState
from tests.api.gateway import Api, running
from tests.servers import DatabaseURLs

pytestmark = pytest.mark.usefixtures("stage")

VIEW = """
query ($side: PartnershipSide) { viewer {
  user { displayName }
  sharedAccounts(first: 50) { edges { node { label badge viewerCan } } }
  organisation { partnerships(side: $side, first: 50) { edges { node { state viewerCan guest { name } } } } }
} }
"""
STATES: dict[str, set[Any]] = {
    "partnerships": set(PartnershipState),
    "shares": set(ShareState),
    "access_items": set(AccessItemState),
    "memberships": {MembershipStatus.ACTIVE, MembershipStatus.INVITED, MembershipStatus.DEACTIVATED},
    "mails": {"SENT"},
}
"""What has to occur in each table."""


@pytest.fixture(scope="module")
async def api(module_database_urls: DatabaseURLs, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """A gateway whose development issuer the people of the demo world sign in by."""
    state: Path = tmp_path_factory.mktemp("demo")
    async with running(module_database_urls, state, staff=OPERATOR) as api:
        yield api


@pytest.fixture(scope="module")
async def stage(api: Api) -> Stage:
    """The demo world, loaded."""
    return await load_world(api.urls.gateway, api.urls.worker, f"{api.url}/dev/issuer")


@pytest.fixture
async def rows(api: Api) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """The tables, read as the superuser."""
    connection = await asyncpg.connect(api.urls.superuser)
    yield connection
    await connection.close()


@pytest.mark.parametrize("table", sorted(STATES))
async def test_every_state_occurs(rows: asyncpg.Connection[asyncpg.Record], table: str) -> None:
    found = await rows.fetch(
        f"SELECT DISTINCT state_or_status AS s FROM (SELECT {column(table)} FROM accord.{table}) t"
    )
    assert {row["s"] for row in found} == {str(state) for state in STATES[table]}


def column(table: str) -> str:
    return f"{'status' if table == 'memberships' else 'state'} AS state_or_status"


async def test_no_mail_waits_and_no_token_is_left(rows: asyncpg.Connection[asyncpg.Record]) -> None:
    assert await rows.fetchval("SELECT count(*) FROM queue.pgqueuer") == 0
    assert await rows.fetchval("SELECT count(*) FROM accord.mails WHERE secret IS NOT NULL") == 0
    assert await rows.fetchval("SELECT count(*) FROM accord.mails") > 100


async def test_the_story_is_told_in_the_past_and_in_order(api: Api) -> None:
    connection = await asyncpg.connect(api.urls.superuser)
    events = await connection.fetch("SELECT stream_id, occurred_at FROM accord.activity_events ORDER BY 1, sequence")
    made = await connection.fetch("SELECT created_at FROM accord.partnerships")
    await connection.close()
    now = datetime.now(UTC)
    for stream in {row["stream_id"] for row in events}:
        told = [row["occurred_at"] for row in events if row["stream_id"] == stream]
        assert told == sorted(told)
        assert told[-1] < now
    assert (now - min(row["occurred_at"] for row in events)).days > 150
    assert all((now - row["created_at"]).days >= 1 for row in made)


async def test_every_chain_of_activity_holds(api: Api) -> None:
    async with audit.open_connection(api.urls.owner) as connection:
        verdict = await audit.verify(connection)
    assert verdict.faults == ()
    assert verdict.chains == len(COMPANIES) + 1
    assert verdict.events > 300


async def test_what_people_typed_is_a_personal_fact_of_its_event(rows: asyncpg.Connection[asyncpg.Record]) -> None:
    """A string in `data` with a blank or an @ is somebody's name, address or text: it must not stand in the hash."""
    found = await rows.fetch("SELECT type, data, facts FROM accord.activity_events")
    texts = [(row, path, value) for row in found for path, value in strings(json.loads(row["data"]), "data")]
    in_hash = [
        (row["type"], path) for row, path, value in texts if path not in row["facts"] and re.search(r"[\s@]", value)
    ]
    assert len(texts) > 300
    assert in_hash == []


def strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every string in a value of JSON, with the path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, below in value.items():
            yield from strings(below, f"{path}.{key}")
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from strings(below, f"{path}.{number}")


async def test_activity_shows_who_sat_where(rows: asyncpg.Connection[asyncpg.Record]) -> None:
    found = await rows.fetch(
        "SELECT DISTINCT os, device, location FROM accord.activity_events WHERE type = 'signin.account'"
    )
    assert len({row["os"] for row in found}) >= 4
    assert {"Berlin, Germany", "Lisbon, Portugal"} <= {row["location"] for row in found}


async def test_a_second_load_is_refused_and_changes_nothing(api: Api, rows: asyncpg.Connection[asyncpg.Record]) -> None:
    before = await rows.fetchval("SELECT count(*) FROM accord.activity_events")
    with pytest.raises(NotEmpty):
        await load_world(api.urls.gateway, api.urls.worker, f"{api.url}/dev/issuer")
    assert await rows.fetchval("SELECT count(*) FROM accord.activity_events") == before


async def test_people_can_be_picked_and_sign_in(api: Api) -> None:
    worker = Database(api.urls.worker, pool_size=1)
    people = {person["email"]: person for person in await list_people(worker)}
    await worker.close()
    cast = {address(person, company) for company in COMPANIES for person in company.people}
    assert people.keys() == cast - {"dev@brightside.example"}
    assert people["mara@alderfinch.example"]["organisation"] == "Alder & Finch"
    assert {email for email, _ in WELCOME} <= people.keys()
    for email, person in people.items():
        answer = await api.post(email, "{ viewer { user { displayName email } } }")
        assert answer["data"]["viewer"]["user"] == {"displayName": person["name"], "email": email}


async def test_something_waits_for_everybody_who_is_welcomed(api: Api) -> None:
    async def open_to(email: str) -> set[str]:
        viewer = (await api.post(email, VIEW))["data"]["viewer"]
        accounts = [edge["node"] for edge in viewer["sharedAccounts"]["edges"]]
        partnerships = [edge["node"] for edge in viewer["organisation"]["partnerships"]["edges"]]
        return {act for node in accounts + partnerships for act in node["viewerCan"]}

    assert {"APPROVE", "DECLINE"} <= await open_to("nora@alderfinch.example")
    assert {"SHARE_ACCOUNTS", "TRANSFER"} <= await open_to("mara@alderfinch.example")
    assert "REMIND" not in await open_to("mara@alderfinch.example")
    assert {"ACCEPT", "REFUSE"} <= await open_to("yara@paperplane.example")
    assert {"ACCEPT", "REFUSE"} <= await open_to("otis@crane.example")
    assert {"APPROVE", "DECLINE"} <= await open_to("bea@mistral.example")
    assert {"REMIND", "WITHDRAW"} <= await open_to("greta@brightside.example")
    assert {"REQUEST_ACCESS", "SIGN_IN"} <= await open_to("carla@brightside.example")
    assert "SIGN_IN" in await open_to("otis@crane.example")
    assert "SIGN_IN" in await open_to("tim@alderfinch.example")


async def test_the_pending_request_for_access_can_be_decided(api: Api, stage: Stage) -> None:
    account = f"account_{stage.accounts['picstream']}"
    document = """query ($id: ID!) { account(id: $id) { viewerCan accessRequests(state: [PENDING]) {
      edges { node { member { displayName } requestedBy { displayName } note } } } } }"""
    answer = await api.post("mara@alderfinch.example", document, {"id": account})
    assert "DECIDE_ACCESS_REQUESTS" in answer["data"]["account"]["viewerCan"]
    (waiting,) = (edge["node"] for edge in answer["data"]["account"]["accessRequests"]["edges"])
    assert waiting == {
        "member": {"displayName": "Eli Roth"},
        "requestedBy": {"displayName": "Carla Mendes"},
        "note": "The briefing is done.",
    }
