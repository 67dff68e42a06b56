"""Another implementation's account of SCIM against a started gateway: every check of `scim2-tester` holds."""

from __future__ import annotations

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server

from tests.walkthroughs.person import Person
from tests.walkthroughs.served import URLs, serve
from tests.walkthroughs.story import OPERATOR, Story

pytestmark = pytest.mark.xdist_group("scim-conformance")


def test_every_check_of_the_tester_holds(module_database_urls: URLs) -> None:
    with serve(module_database_urls, (OPERATOR,)) as server:
        story = Story(server)
        admin = Person(server, "greta@lighthouse.example", "Greta Lighthouse")
        story.found("Lighthouse Agency", admin)
        token = admin.does("createScimCredential", "token", label="Tester")["token"]
        headers = {"authorization": f"Bearer {token}"}
        with httpx2.Client(base_url=f"{server.url}/scim/v2", headers=headers, timeout=30) as http:
            results = check_server(SyncSCIMClient(http))
    wrong = [f"{one.title} {one.resource_type}: {one.reason}" for one in results if one.status != Status.SUCCESS]
    assert not wrong, "\n".join(wrong)
    assert len(results) >= 60, len(results)
