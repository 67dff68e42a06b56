"""What a cookie works for: the pages of the gateway's own origin and of named frontends, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from accord.domain.ids import global_id
from accord.http.identity.origins import Origins, origin_of
from tests.identity.stage import FRONTEND, RENAME, Browser, Stage, code_of

STRANGE: dict[str, str | None] = {
    "none": None,
    "null": "null",
    "empty": "",
    "another site": "https://elsewhere.example",
    "another port": "http://127.0.0.1:1",
    "another scheme": "https://127.0.0.1",
    "a name that begins the same": "{url}.elsewhere.example",
    "a path": "{url}/",
    "two": "{url}, https://elsewhere.example",
    "a frontend by http": "http://app.example",
    "below a frontend": "https://evil.app.example",
}


@pytest.fixture
async def ada(stage: Stage, browser: Browser) -> Browser:
    await browser.sign_in(stage.first, "ada")
    return browser


async def names(stage: Stage) -> set[str]:
    rows = await stage.world.owner.fetch("SELECT display_name FROM accord.users")
    return {row["display_name"] for row in rows}


async def refused(stage: Stage, answer: httpx2.Response, status: int, code: str) -> None:
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert "data" not in answer.json()
    assert "Changed" not in await names(stage)


@pytest.mark.parametrize("origin", STRANGE.values(), ids=STRANGE)
async def test_a_page_of_elsewhere_changes_nothing(stage: Stage, ada: Browser, origin: str | None) -> None:
    said = origin.format(url=stage.url) if origin else origin
    await refused(stage, await ada.graphql(RENAME, origin=said), 403, "ORIGIN_NOT_ALLOWED")


async def test_a_page_of_elsewhere_reads_nothing(stage: Stage, ada: Browser) -> None:
    """Also one that the browser calls its own: a change or a query by POST names its origin."""
    for headers in ({}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "cross-site"}):
        answer = await ada.graphql(origin=None, **headers)
        await refused(stage, answer, 403, "ORIGIN_NOT_ALLOWED")
        assert "Ada" not in answer.text


FORMS: dict[str, Callable[[Browser], Any]] = {
    "text/plain": lambda who: who.graphql(RENAME, **{"content-type": "text/plain"}),
    "a form": lambda who: who.graphql(RENAME, **{"content-type": "application/x-www-form-urlencoded"}),
    "a form with files": lambda who: who.graphql(RENAME, **{"content-type": "multipart/form-data; boundary=x"}),
    "nothing": lambda who: who.graphql(RENAME, **{"content-type": None}),
}


@pytest.mark.parametrize("send", FORMS.values(), ids=FORMS)
async def test_what_a_form_can_send_is_no_operation(stage: Stage, ada: Browser, send: Callable[[Browser], Any]) -> None:
    """Even from the own origin; from elsewhere the origin is refused before anything is read."""
    await refused(stage, await send(ada), 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_the_same_from_the_own_page_and_a_named_frontend_is_done(stage: Stage, browser: Browser) -> None:
    """The negative control of the tests above: what they send is a change that works."""
    for subject, origin in (("ben", stage.url), ("cleo", FRONTEND)):
        await browser.sign_in(stage.first, subject)
        answer = await browser.graphql(RENAME, origin=origin)
        assert answer.json()["data"] == {"updateProfile": {"user": {"displayName": "Changed"}}}
        row = "UPDATE accord.users SET display_name = $1 WHERE email = $2"
        await stage.world.owner.execute(row, subject, f"{subject}@meridian.example")


async def test_without_the_rule_a_page_of_elsewhere_would_change_something(
    stage: Stage, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the rule: with it off, the request of the first test is done."""
    await browser.sign_in(stage.first, "dora")
    monkeypatch.setattr(Origins, "require", lambda *_: None)
    answer = await browser.graphql(RENAME, origin="https://elsewhere.example")
    assert answer.json()["data"] == {"updateProfile": {"user": {"displayName": "Changed"}}}
    await stage.world.owner.execute("UPDATE accord.users SET display_name = 'Dora' WHERE display_name = 'Changed'")


async def test_a_named_frontend_may_read_the_answer_and_nobody_else(stage: Stage, ada: Browser) -> None:
    answer = await ada.graphql(origin=FRONTEND)
    assert answer.headers["access-control-allow-origin"] == FRONTEND
    assert answer.headers["access-control-allow-credentials"] == "true"
    strange = await ada.graphql(origin="https://elsewhere.example")
    assert "access-control-allow-origin" not in strange.headers


async def test_a_bearer_token_wins_over_the_cookie(stage: Stage, ada: Browser) -> None:
    """It needs no origin, and one that is refused does not fall back to the cookie."""
    token = await stage.first.token("emil")
    answer = await ada.graphql(origin=None, authorization=f"Bearer {token}")
    assert answer.json()["data"]["viewer"]["user"]["displayName"] == "Emil"
    for header in ("Bearer nonsense", "Basic YTpi", ""):
        assert (await ada.graphql(authorization=header)).status_code == 401


@pytest.mark.parametrize("value", ["", "x", "x" * 129, '"', "a=b"])
async def test_a_cookie_that_is_no_session(stage: Stage, browser: Browser, value: str) -> None:
    browser.cookies["__Host-accord"] = value
    answer = await browser.graphql()
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"origin": FRONTEND}, True),
        ({}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "https://elsewhere.example"}, False),
        ({"origin": "https://elsewhere.example", "sec-fetch-site": "same-origin"}, False),
        ({"origin": "null"}, False),
    ],
)
@pytest.mark.parametrize("file", ["activity", "report"])
async def test_exports(stage: Stage, ada: Browser, file: str, headers: dict[str, str], *, taken: bool) -> None:
    await stage.world.owner.execute(
        "UPDATE accord.memberships SET roles = '{ORG_ADMIN}' WHERE email = 'ada@meridian.example'"
    )
    asked = {"organisationId": global_id("organisation", stage.meridian.id)}
    if file == "report":
        asked |= {
            "name": "ACTIVITY",
            "from": "2026-01-01T00:00:00Z",
            "to": "2026-06-01T00:00:00Z",
            "groupBy": "EVENT_TYPE",
        }
    before = await stage.everything()
    answer = await ada.ask("GET", f"/exports/{file}.csv?{urlencode(asked)}", headers=headers)
    if taken:
        assert answer.status_code == 200, answer.text
        return
    assert (answer.status_code, code_of(answer)) == (403, "ORIGIN_NOT_ALLOWED")
    assert await stage.everything() == before


async def test_the_session_of_a_person_who_leaves_ends(stage: Stage, browser: Browser) -> None:
    """Rights are read at each request; this is what a session that is over looks like."""
    await browser.sign_in(stage.first, "fay")
    await stage.world.owner.execute("UPDATE accord.browser_sessions SET ended_at = now() WHERE subject = 'fay'")
    answer = await browser.graphql()
    assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://accord.example", "https://accord.example"),
        ("https://accord.example:443/path", "https://accord.example"),
        ("http://accord.example:80", "http://accord.example"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://ACCORD.example:8443", "https://accord.example:8443"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(address: str, origin: str) -> None:
    assert origin_of(address) == origin
