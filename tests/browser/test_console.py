"""The console in a real browser: pick a demo person, run a query as them, and stay on the gateway's own origin."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Response, async_playwright

from tests.scale import count
from tests.servers import DatabaseURLs
from tests.walkthroughs.served import Server, serve

CHROMIUM = shutil.which("chromium")
SETTLING = 700.0
"""Milliseconds in which GraphiQL reads the operations of a tab that was just opened."""
REQUIRED = os.environ.get("ACCORD_TEST_BROWSER") == "required"
pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not REQUIRED, reason="no Chromium in PATH; `make check` asks for it, `make test` does without"
)


@pytest.fixture(scope="module")
def gateway(module_database_urls: DatabaseURLs) -> Iterator[Server]:
    """A gateway with the demo world."""
    with serve(module_database_urls, (), {"ACCORD_DEMO": "1"}) as server:
        yield server


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; its own sandbox can't be made by root."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        await browser.close()


class Watched:
    """A page, what it asked for, and what the browser complained of."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.requested: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    @property
    def left_the_origin(self) -> list[str]:
        kept = (f"{self.origin}/", f"blob:{self.origin}/", "data:")
        return [url for url in self.requested if not url.startswith(kept)]


@pytest.fixture
async def watched(browser: Browser, gateway: Server) -> AsyncIterator[Watched]:
    context = await browser.new_context(base_url=gateway.url, viewport={"width": 1280, "height": 800})
    page = await context.new_page()
    await page.add_init_script(
        "addEventListener('securitypolicyviolation', "
        "event => console.error(`refused ${event.violatedDirective} ${event.blockedURI}`))"
    )
    yield Watched(page, gateway.url)
    await context.close()


async def execute(page: Page, operation: str) -> None:
    """Press the button once the editor shows this operation."""
    await page.locator(".graphiql-query-editor").get_by_text(operation, exact=True).first.wait_for()
    await page.get_by_role("button", name="Execute query").click()


async def test_a_demo_person_runs_a_query_and_no_request_leaves_the_origin(watched: Watched) -> None:
    page = watched.page
    await page.goto("/")
    link = page.locator(".organisations a").first
    name = await link.locator("b").inner_text()
    await link.click()
    await page.wait_for_url("**/graphiql?as=*")
    await page.get_by_text(f"Signed in as {name}").wait_for()
    await execute(page, "Me")
    await page.locator(".result-window").get_by_text(f'"{name}"').first.wait_for()
    assert "errors" not in await page.locator(".result-window").inner_text()
    paths = {urlsplit(url).path for url in watched.requested}
    assert paths >= {"/", "/graphiql", "/dev/people", "/dev/token", "/graphql"}
    assert any(".worker" in path for path in paths)
    assert watched.left_the_origin == []
    assert watched.complaints == []


async def test_the_first_tabs_run_as_demo_people(watched: Watched) -> None:
    page = watched.page
    people = await (await page.request.get("/dev/people")).json()
    assert people
    for email in sorted({person["email"] for person in people})[: count(test=2, check=10)]:
        await page.goto(f"/graphiql?as={email}")
        for tab in ("Me", "Partners"):
            await page.get_by_role("tab", name=tab).click()
            await page.wait_for_timeout(SETTLING)
            async with page.expect_response(answers_query, timeout=10_000) as answer:
                await execute(page, tab)
            body = await (await answer.value).json()
            assert "errors" not in body, (email, tab, body)
            assert body["data"]["viewer"] is not None
    assert watched.complaints == []


def answers_query(response: Response) -> bool:
    """Not GraphiQL's own introspection."""
    return response.url.endswith("/graphql") and "IntrospectionQuery" not in (response.request.post_data or "")


async def test_the_policy_refuses_other_origins(watched: Watched) -> None:
    """The negative control of the first test: what it looks for is seen when it happens."""
    await watched.page.goto("/")
    await watched.page.evaluate("() => { new Image().src = 'https://elsewhere.example/i.png' }")
    await watched.page.wait_for_timeout(300)
    assert any("refused img-src https://elsewhere.example/i.png" in said for said in watched.complaints)


async def test_someone_who_cannot_sign_in_is_told_so(watched: Watched) -> None:
    page = watched.page
    await page.goto("/graphiql?as=nobody")
    await execute(page, "Me")
    await page.locator(".result-window").get_by_text("errors").wait_for()


async def test_a_phone_shows_the_picker_without_sideways_scrolling(browser: Browser, gateway: Server) -> None:
    context = await browser.new_context(base_url=gateway.url, viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await page.goto("/")
    await page.locator(".organisations a").first.wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await context.close()
