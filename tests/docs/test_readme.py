"""The README's tour, taken in the demo world; and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from accord.demo import load_world
from tests.api.gateway import Api
from tests.docs.kitchen import cook
from tests.docs.recipes import DOCS

README = DOCS / "README.md"
PAGES = (README, *sorted(DOCS.glob("*.md")), *sorted((DOCS / "docs").glob("*.md")))
LINK = re.compile(r"\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


async def test_the_tour_shows_what_the_demo_world_answers(api: Api) -> None:
    await load_world(api.urls.gateway, api.urls.worker, f"{api.url}/dev/issuer")
    assert len(await cook(api, README)) == 11
    gone = await api.post("eli@brightside.example", "{ viewer { sharedAccounts { totalCount } } }")
    assert gone["data"]["viewer"]["sharedAccounts"]["totalCount"] == 0


@pytest.mark.parametrize("page", sorted(set(PAGES)), ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {path}"
        if anchor:
            assert anchor[1:] in anchors(target), f"{page.name} links to {path}{anchor}"


def anchors(page: Path) -> set[str]:
    """What headings are called in links."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
