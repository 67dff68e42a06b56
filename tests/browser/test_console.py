"""The console in a real browser: pick a demo person, run a query as them, and stay on the gateway's own origin."""

import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.servers import DatabaseURLs
from tests.walkthroughs.served import Server, serve

CHROMIUM = shutil.which("chromium")
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
def browser() -> Iterator[Browser]:
    """Chromium; its own sandbox can't be made by root."""
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


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
        page.add_init_script(
            "addEventListener('securitypolicyviolation', "
            "event => console.error(`refused ${event.violatedDirective} ${event.blockedURI}`))"
        )

    def _heard(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.complaints.append(said.text)

    @property
    def left_the_origin(self) -> list[str]:
        kept = (f"{self.origin}/", f"blob:{self.origin}/", "data:")
        return [url for url in self.requested if not url.startswith(kept)]


@pytest.fixture
def watched(browser: Browser, gateway: Server) -> Iterator[Watched]:
    with browser.new_context(base_url=gateway.url, viewport={"width": 1280, "height": 800}) as context:
        yield Watched(context.new_page(), gateway.url)


def test_a_demo_person_runs_a_query_and_no_request_leaves_the_origin(watched: Watched) -> None:
    page = watched.page
    page.goto("/")
    link = page.locator(".organisations a").first
    name = link.locator("b").inner_text()
    link.click()
    page.wait_for_url("**/graphiql?as=*")
    page.get_by_text(f"Signed in as {name}").wait_for()
    page.get_by_role("button", name="Execute query").click()
    page.locator(".result-window").get_by_text(f'"{name}"').wait_for()
    assert "errors" not in page.locator(".result-window").inner_text()
    assert {urlsplit(url).path for url in watched.requested} >= {
        "/",
        "/graphiql",
        "/dev/people",
        "/dev/token",
        "/graphql",
    }
    assert any(".worker" in url for url in watched.requested)
    assert watched.left_the_origin == []
    assert watched.complaints == []


def test_every_first_tab_runs_as_every_demo_person(watched: Watched) -> None:
    page = watched.page
    people = watched.page.request.get("/dev/people").json()
    assert people
    for email in sorted({person["email"] for person in people}):
        page.goto(f"/graphiql?as={email}")
        for tab in ("Me", "Partners"):
            page.get_by_role("tab", name=tab).click()
            with page.expect_response("**/graphql", timeout=10_000) as answer:
                page.get_by_role("button", name="Execute query").click()
            body = answer.value.json()
            assert "errors" not in body, (email, tab, body)
            assert "data" in body
    assert watched.complaints == []


def test_the_policy_refuses_other_origins(watched: Watched) -> None:
    """The negative control of the first test: what it looks for is seen when it happens."""
    page = watched.page
    page.goto("/")
    page.evaluate(
        "() => { const i = new Image(); i.src = 'https://elsewhere.example/i.png'; document.body.append(i); }"
    )
    page.wait_for_timeout(300)
    assert any("refused img-src https://elsewhere.example/i.png" in complaint for complaint in watched.complaints)


def test_someone_who_is_not_in_the_demo_world_is_told_so(watched: Watched) -> None:
    page = watched.page
    page.goto("/graphiql?as=nobody@nowhere.example")
    page.get_by_role("button", name="Execute query").click()
    page.locator(".result-window").get_by_text("errors").wait_for()


def test_a_phone_shows_the_picker_without_sideways_scrolling(browser: Browser, gateway: Server) -> None:
    with browser.new_context(base_url=gateway.url, viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        page.goto("/")
        page.locator(".organisations a").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
