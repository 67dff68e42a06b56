"""The name that a request calls the gateway by is the caller's to choose, so that nothing is made of it."""

from __future__ import annotations

from pathlib import Path

import httpx2

from accord.app import create_app
from tests.http.gateway import settings_for
from tests.http.listening import listening
from tests.servers import DatabaseURLs

PATHS = ("/graphql/", "/live/", "/exports/activity.csv/", "/tickets/redeem/", "/dev/token/", "//evil.example/%2f..")


async def test_no_address_is_made_of_the_host_header(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    app = create_app(settings_for(database_urls, tmp_path))
    async with listening(app) as port, httpx2.AsyncClient() as client:
        for path in PATHS:
            for method in ("GET", "POST"):
                answer = await client.request(
                    method, f"http://127.0.0.1:{port}{path}", headers={"host": "evil.example"}, follow_redirects=False
                )
                assert "location" not in answer.headers, (method, path, answer.headers)
                assert "evil.example" not in answer.text
                assert answer.status_code in {403, 404}
