"""Signing in and out in a real browser, which decides by itself what its cookie goes along with."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.identity.stage import RENAME, WHO, Stage

CHROMIUM: Final = shutil.which("chromium")
REQUIRED: Final = os.environ.get("ACCORD_TEST_BROWSER") == "required"
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not REQUIRED, reason="no Chromium in PATH; `make check` asks for it, `make test` does without"
)
ASK: Final = """([query, name]) => fetch("/graphql", {
  method: "POST",
  headers: {"content-type": "application/json"},
  body: JSON.stringify({query, variables: name ? {name} : {}}),
}).then(async answer => [answer.status, await answer.json()])"""
FORM: Final = """<form id="f" method="post" enctype="text/plain" action="URL/graphql">
<input name='{"query": "mutation { updateProfile(input: {displayName: \\"Changed\\"}) { user { id } } }", "x": "'
 value='"}'></form><script>
const ask = (type, query, mode) => fetch("URL/graphql", {
  method: "POST", credentials: "include", mode, headers: {"content-type": type}, body: JSON.stringify({query}),
}).then(answer => answer.text(), () => "refused");
const change = 'mutation { updateProfile(input: {displayName: "Changed"}) { user { id } } }';
Promise.all([ask("text/plain", change, "no-cors"), ask("application/json", change, "cors")])
  .then(all => { document.title = all.join(" ") || "nothing"; });
</script>"""


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """Chromium; its own sandbox can't be made by root."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    context = await chromium.new_context()
    yield await context.new_page()
    await context.close()


async def sign_in(page: Page, stage: Stage, subject: str) -> None:
    """As a person does: the provider's own form, then back."""
    asked = urlencode({"issuer": stage.first.issuer, "return_to": "/?signed=in"})
    await page.goto(f"{stage.url}/auth/sign-in?{asked}", wait_until="commit")
    await page.locator("input[name=login]").fill(subject)
    await page.locator("input[name=password]").fill("whatever")
    await page.locator("button[type=submit]").click()
    await page.wait_for_url(f"{stage.url}/?signed=in")


async def ask(page: Page, query: str = WHO, name: str | None = None) -> tuple[int, Any]:
    status, body = await page.evaluate(ASK, [query, name])
    return status, body


async def cookies(page: Page) -> dict[str, Any]:
    return {str(found["name"]): found for found in await page.context.cookies()}


@asynccontextmanager
async def serving(content: str) -> AsyncIterator[str]:
    """A page of another site, by another name of this machine."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {len(content.encode())}\r\n"
        writer.write(f"{head}connection: close\r\n\r\n{content}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}/"


async def name_of(stage: Stage, subject: str) -> str:
    sql = "SELECT display_name FROM accord.users WHERE email = $1"
    return str(await stage.world.owner.fetchval(sql, f"{subject}@meridian.example"))


async def test_a_person_signs_in_works_and_signs_out(stage: Stage, page: Page) -> None:
    """Chromium keeps a `__Host-` cookie of http on a loopback address, which it takes for secure."""
    await sign_in(page, stage, "ada")
    kept = (await cookies(page))["__Host-accord"]
    assert (kept["secure"], kept["httpOnly"], kept["sameSite"], kept["path"]) == (True, True, "Lax", "/")
    assert "__Host-accord-sign-in" not in await cookies(page)
    assert await page.evaluate("document.cookie") == ""
    status, body = await ask(page)
    assert (status, body["data"]["viewer"]["user"]["displayName"]) == (200, "Ada")
    status, body = await ask(page, RENAME, "Ada Lovelace")
    assert body["data"]["updateProfile"]["user"]["displayName"] == "Ada Lovelace"
    said = await page.evaluate("fetch('/auth/sign-out', {method: 'POST'}).then(answer => answer.json())")
    assert said["signedOut"] is True
    assert "__Host-accord" not in await cookies(page)
    assert (await ask(page))[0] == 401
    await page.goto(said["endSessionUrl"], wait_until="commit")
    assert page.url.startswith(stage.first.issuer)


async def test_an_export_is_fetched_by_the_own_page(stage: Stage, page: Page) -> None:
    await sign_in(page, stage, "ben")
    status = await page.evaluate("fetch('/exports/activity.csv').then(answer => answer.status)")
    assert status == 400, "the cookie works; what is missing is the organisation"


async def test_a_page_of_another_site_does_nothing(stage: Stage, page: Page) -> None:
    """A form, and two fetches with credentials; the browser's own rules and the gateway's both stand in the way."""
    await sign_in(page, stage, "cleo")
    async with serving(FORM.replace("URL", stage.url)) as elsewhere:
        await page.goto(elsewhere)
        await page.wait_for_function("document.title !== ''")
        assert (await page.title()).endswith("refused")
        async with page.expect_navigation():
            await page.evaluate("document.getElementById('f').submit()")
        assert '"data"' not in await page.content()
    assert await name_of(stage, "cleo") == "Cleo"
    await page.goto(f"{stage.url}/")
    assert (await ask(page))[1]["data"]["viewer"]["user"]["displayName"] == "Cleo"


async def test_a_page_of_another_port_sends_the_cookie_and_is_refused(stage: Stage, page: Page) -> None:
    """Same site, another origin: the browser sends the cookie along, so the gateway's own rule is what refuses."""
    await sign_in(page, stage, "dora")
    refused: list[int] = []
    page.on("response", lambda answer: refused.append(answer.status) if answer.url.endswith("/graphql") else None)
    async with serving(FORM.replace("URL", stage.url)) as elsewhere:
        await page.goto(elsewhere.replace("localhost", "127.0.0.1"))
        await page.wait_for_function("document.title !== ''")
        assert (await page.title()).endswith("refused")
        async with page.expect_navigation():
            await page.evaluate("document.getElementById('f').submit()")
        assert "ORIGIN_NOT_ALLOWED" in await page.content()
    assert 403 in refused
    assert await name_of(stage, "dora") == "Dora"
