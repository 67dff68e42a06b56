"""An export follows the rights of the list: whoever reads no event gets no file and no head (model 4.7, 4.12)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.api.test_five_cases import STAFF, Place, fresh, place
from tests.api.test_host_data import export, tell

__all__ = ["fresh", "place"]

LIST: Final = "query ($id: ID!) { organisation(id: $id) { activity(first: 5) { totalCount edges { node { id } } } } }"
EVENTS: Final = "SELECT count(*) FROM accord.activity_events WHERE type = 'export.created'"
PEOPLE: Final = ("ada", "mia", "otto", "aud", "dan", "greta", "carla", "quentin", "marta", "milo", "fay", "fred")


async def listed(place: Place, by: str, organisation: str) -> int:
    """How many events the list shows."""
    answer = await place.api.post(place.town.emails[by], LIST, {"id": place.town[organisation]})
    assert all("GRAPHQL" not in error["extensions"]["code"] for error in answer.get("errors", ())), answer
    shown: Any = (answer.get("data") or {}).get("organisation") or {}
    return ((shown.get("activity") or {}).get("totalCount")) or 0


async def exported(place: Place, by: str, organisation: str) -> tuple[int, str | None, str]:
    """The status of the activity's file, its head and its text."""
    place.touched = True
    headers = {"Authorization": f"Bearer {place.api.token(place.town.emails.get(by, STAFF))}"}
    query = {"organisationId": place.town[organisation]}
    answer = await place.api.client.get(f"{place.api.url}/exports/activity.csv", params=query, headers=headers)
    return answer.status_code, answer.headers.get("accord-activity-head"), answer.text


@pytest.mark.parametrize("by", PEOPLE)
async def test_whoever_reads_an_event_exports_and_nobody_else(fresh: Place, by: str) -> None:
    if by not in fresh.town.emails:
        pytest.skip("nobody of this name in the town")
    for organisation in ("harbour", fresh.town.home[by]):
        before = await tell(fresh, EVENTS)
        count = await listed(fresh, by, organisation)
        status, head, text = await exported(fresh, by, organisation)
        if count:
            assert (status, len(head or "")) == (200, 64), (by, organisation, count)
            assert text.count("\r\n") - 1 >= count
        else:
            assert (status, head) == (403, None), (by, organisation)
            assert await tell(fresh, EVENTS) == before


async def test_an_auditor_exports_the_own_organisation_named(fresh: Place) -> None:
    auditor = next(name for name in fresh.town.emails if name.startswith("au"))
    status, head, text = await exported(fresh, auditor, fresh.town.home[auditor])
    assert (status, len(head or "")) == (200, 64)
    label = await tell(
        fresh,
        "SELECT account_label FROM accord.activity_events WHERE account_label IS NOT NULL AND stream_id = $1::uuid",
        fresh.town[fresh.town.home[auditor]].partition("_")[2],
    )
    assert label
    assert f'"{label}"' in text


@pytest.mark.parametrize("by", ["mia", "carla"])
async def test_a_report_is_refused_to_whoever_reads_none(fresh: Place, by: str) -> None:
    before = await tell(fresh, EVENTS)
    status, _ = await export(fresh, None, by, organisationId=fresh.town[fresh.town.home[by]])
    assert status == 403
    assert await tell(fresh, EVENTS) == before
