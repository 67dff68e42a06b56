"""Signing in with a browser at a real provider: what happens, and everything that must not."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.identity.providers import consent
from tests.identity.stage import Browser, Stage, code_of

SESSION, ATTEMPT = "__Host-accord", "__Host-accord-sign-in"


def changed(url: str, **given: str | None) -> str:
    """The address with other parameters; None takes one away."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} | given
    kept = {name: value for name, value in query.items() if value is not None}
    return f"{url.partition('?')[0]}?{urlencode(kept)}"


async def refused(stage: Stage, browser: Browser, url: str, code: str, status: int = 400) -> None:
    """The browser is not signed in by this address, and nobody is made."""
    before = await stage.everything()
    answer = await browser.ask("GET", url)
    assert (answer.status_code, code_of(answer)) == (status, code)
    assert SESSION not in browser.cookies
    assert await stage.everything() == before


async def test_a_first_sign_in_makes_a_member_and_a_session(stage: Stage, browser: Browser) -> None:
    answer = await browser.sign_in(stage.first, "ada", "/graphiql?tab=2")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{stage.url}/graphiql?tab=2")
    said = next(line for line in browser.heard if line.startswith(f"{SESSION}="))
    attributes = {part.strip().lower() for part in said.split(";")[1:]}
    assert attributes == {"httponly", "secure", "samesite=lax", "path=/", "max-age=43200"}
    assert ATTEMPT not in browser.cookies
    assert await browser.viewer() == {"displayName": "Ada", "email": "ada@meridian.example"}
    assert ("ada@meridian.example", "ACTIVE", ["MEMBER"]) in await stage.members(stage.meridian)
    assert await stage.events(stage.meridian, "Ada") == ["member.provisioned", "signin.platform"]
    stored = await stage.world.owner.fetchval("SELECT string_agg(s::text, ' ') FROM accord.browser_sessions s")
    assert browser.cookies[SESSION] not in stored


async def test_whoever_comes_back_is_the_same_person(stage: Stage, browser: Browser, another: Browser) -> None:
    await browser.sign_in(stage.first, "ben")
    before = await stage.members(stage.meridian)
    await another.sign_in(stage.first, "ben")
    assert await another.viewer() == await browser.viewer()
    assert await stage.members(stage.meridian) == before
    assert await stage.events(stage.meridian, "Ben") == ["member.provisioned", "signin.platform", "signin.platform"]


async def test_two_providers_with_the_same_subject_are_two_people(
    stage: Stage, browser: Browser, another: Browser
) -> None:
    """The second provider leaves address and name to its userinfo endpoint, as the standard lets it."""
    await browser.sign_in(stage.first, "cleo")
    await another.sign_in(stage.second, "cleo")
    assert await browser.viewer() == {"displayName": "Cleo", "email": "cleo@meridian.example"}
    assert await another.viewer() == {"displayName": "Cleo", "email": "cleo@norvik.example"}
    assert all(email.endswith("@meridian.example") for email, *_ in await stage.members(stage.meridian))
    assert all(email.endswith("@norvik.example") for email, *_ in await stage.members(stage.norvik))


@pytest.mark.parametrize("subject", ["unverified", "guest", "spy", "sub", "tenant"])
async def test_whom_nobody_speaks_for_stays_a_stranger(stage: Stage, browser: Browser, subject: str) -> None:
    """An unverified address, one of elsewhere, one of the other organisation, one of a subdomain."""
    before = await stage.members(stage.meridian), await stage.members(stage.norvik)
    assert (await browser.sign_in(stage.first, subject)).status_code == 303
    assert await browser.viewer() is None
    assert (await stage.members(stage.meridian), await stage.members(stage.norvik)) == before


async def test_signing_out_ends_the_session(stage: Stage, browser: Browser) -> None:
    await browser.sign_in(stage.first, "dora")
    kept = dict(browser.cookies)
    answer = await browser.ask("POST", "/auth/sign-out", headers={"origin": stage.url})
    said = answer.json()
    assert said["signedOut"] is True
    assert said["endSessionUrl"].startswith(f"{stage.first.issuer}/session/end?")
    assert browser.cookies == {}
    browser.cookies = kept
    assert (await browser.graphql()).status_code == 401
    again = await browser.ask("POST", "/auth/sign-out", headers={"origin": stage.url})
    assert again.json() == {"signedOut": False, "endSessionUrl": None}


@pytest.mark.parametrize("origin", [None, "null", "https://elsewhere.example", "http://127.0.0.1"])
async def test_nobody_else_signs_a_browser_out(stage: Stage, browser: Browser, origin: str | None) -> None:
    await browser.sign_in(stage.first, "dora")
    answer = await browser.ask("POST", "/auth/sign-out", headers={"origin": origin} if origin else {})
    assert (answer.status_code, code_of(answer)) == (403, "ORIGIN_NOT_ALLOWED")
    assert await browser.viewer() is not None


async def test_a_planted_cookie_is_not_kept_and_the_session_before_ends(stage: Stage, browser: Browser) -> None:
    browser.cookies[SESSION] = "planted"
    await browser.sign_in(stage.first, "ada")
    first = browser.cookies[SESSION]
    assert first != "planted"
    await browser.sign_in(stage.first, "ada")
    assert browser.cookies[SESSION] != first
    browser.cookies[SESSION] = first
    assert (await browser.graphql()).status_code == 401


async def test_the_providers_are_listed(stage: Stage, browser: Browser) -> None:
    answer = await browser.ask("GET", "/auth/issuers", headers={"origin": "https://app.example"})
    assert [entry["issuer"] for entry in answer.json()["issuers"]] == [stage.first.issuer, stage.second.issuer]
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert (await browser.ask("GET", answer.json()["issuers"][0]["signIn"])).status_code == 303


@pytest.mark.parametrize("given", [{"issuer": "https://elsewhere.example"}, {}, {"issuer": ""}])
async def test_an_issuer_that_is_not_named_is_not_gone_to(
    stage: Stage, browser: Browser, given: dict[str, str]
) -> None:
    answer = await browser.ask("GET", f"/auth/sign-in?{urlencode(given)}")
    assert (answer.status_code, code_of(answer)) == (404, "NOT_FOUND")
    assert browser.cookies == {}


@pytest.mark.parametrize(
    "return_to",
    [
        *("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "\\\\elsewhere.example", ""),
        *("/\t/elsewhere.example", "/\n/elsewhere.example", "javascript:alert(1)", "elsewhere", "/a b", "/é"),
        *("/\\/elsewhere.example", " /here", "/here\r\nset-cookie: a=b", "/" + "x" * 2001),
    ],
)
async def test_nobody_is_sent_elsewhere_after_the_sign_in(stage: Stage, browser: Browser, return_to: str) -> None:
    asked = urlencode({"issuer": stage.first.issuer, "return_to": return_to})
    answer = await browser.ask("GET", f"/auth/sign-in?{asked}")
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
    assert browser.cookies == {}


@pytest.mark.parametrize(
    "return_to", ["/", "/a?b=c#d", "/..//elsewhere.example", "/@elsewhere.example", "/%2felsewhere"]
)
async def test_an_own_path_is_returned_to(stage: Stage, browser: Browser, return_to: str) -> None:
    answer = await browser.sign_in(stage.first, "ada", return_to)
    assert answer.status_code == 303
    assert answer.headers["location"] == stage.url + return_to


@pytest.mark.parametrize("state", ["", "guessed", None])
async def test_another_state(stage: Stage, browser: Browser, state: str | None) -> None:
    back = await browser.back(stage.first, "emil")
    await refused(stage, browser, changed(back, state=state), "SIGN_IN_OVER")


async def test_the_state_of_another_browser(stage: Stage, browser: Browser, another: Browser) -> None:
    """A victim who follows the link of somebody's half-done sign-in is not signed in as that person."""
    back = await browser.back(stage.first, "emil")
    await refused(stage, another, back, "SIGN_IN_OVER")
    await another.go(stage.first)
    await refused(stage, another, back, "SIGN_IN_OVER")
    assert (await browser.ask("GET", back)).status_code == 303


async def test_another_nonce(stage: Stage, browser: Browser) -> None:
    """The ID token of another attempt does not fit this one."""
    going = changed(await browser.go(stage.first), nonce="of-another-attempt")
    back = await consent(browser.http, going, "emil", stage.callback)
    await refused(stage, browser, back, "SIGN_IN_REFUSED")


async def test_another_challenge(stage: Stage, browser: Browser) -> None:
    """A code that was made for somebody else's verifier is of no use."""
    going = changed(await browser.go(stage.first), code_challenge="A" * 43)
    back = await consent(browser.http, going, "emil", stage.callback)
    await refused(stage, browser, back, "SIGN_IN_REFUSED")


async def test_a_code_is_good_for_once(stage: Stage, browser: Browser, another: Browser) -> None:
    back = await browser.back(stage.first, "ada")
    attempt = dict(browser.cookies)
    assert (await browser.ask("GET", back)).status_code == 303
    another.cookies = dict(attempt)
    await refused(stage, another, back, "SIGN_IN_OVER")
    code = parse_qs(urlsplit(back).query)["code"][0]
    fresh = await another.back(stage.first, "ada")
    await refused(stage, another, changed(fresh, code=code), "SIGN_IN_REFUSED")


@pytest.mark.parametrize("code", [None, "", "made-up", "x" * 3000])
async def test_a_code_that_the_provider_did_not_make(stage: Stage, browser: Browser, code: str | None) -> None:
    back = await browser.back(stage.first, "ada")
    await refused(stage, browser, changed(back, code=code), "SIGN_IN_REFUSED")


async def test_the_answer_of_another_provider(stage: Stage, browser: Browser) -> None:
    """Mix-up: an answer that names another issuer, or none, is not taken to this one."""
    for issuer in (stage.second.issuer, None):
        back = await browser.back(stage.first, "emil")
        await refused(stage, browser, changed(back, iss=issuer), "SIGN_IN_REFUSED")


async def test_somebody_who_gives_up_at_the_provider(stage: Stage, browser: Browser) -> None:
    back = await browser.back(stage.first, "emil")
    await refused(stage, browser, changed(back, code=None, error="access_denied"), "SIGN_IN_REFUSED")


async def test_an_attempt_is_over_after_ten_minutes(stage: Stage, browser: Browser) -> None:
    back = await browser.back(stage.first, "emil")
    await stage.world.owner.execute("UPDATE accord.sign_in_attempts SET expires_at = now() - interval '1 second'")
    await refused(stage, browser, back, "SIGN_IN_OVER")


async def test_nothing_secret_is_stored_of_an_attempt(stage: Stage, browser: Browser) -> None:
    going = parse_qs(urlsplit(await browser.go(stage.first)).query)
    rows = await stage.world.owner.fetch("SELECT a::text AS said FROM accord.sign_in_attempts a")
    said = " ".join(row["said"] for row in rows)
    secrets: list[Any] = [browser.cookies[ATTEMPT], going["state"][0], going["nonce"][0]]
    assert said
    assert [secret for secret in secrets if secret in said] == []
    assert going["code_challenge_method"] == ["S256"]
