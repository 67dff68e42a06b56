"""GraphQL over HTTP, audited by the suite of the specification's authors against the whole gateway."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from accord.app import create_app
from accord.http.identity.development import DevelopmentIssuer
from tests.http.gateway import settings_for
from tests.http.listening import listening
from tests.node import NODE, install
from tests.servers import DatabaseURLs

AUDITS = Path(__file__).parent / "audits"
COUNT = 61


@pytest.fixture(scope="module")
def installed() -> Path:
    """The audits with what they need from npm, as the lock says."""
    install(AUDITS)
    return AUDITS


def audit(folder: Path, url: str, token: str) -> list[dict[str, Any]]:
    command = [str(NODE), "audit.mjs", url, token]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=True)
    results: list[dict[str, Any]] = json.loads(run.stdout)
    return results


async def test_every_audit_passes(database_urls: DatabaseURLs, installed: Path, tmp_path: Path) -> None:
    settings = settings_for(database_urls, tmp_path, reads_by_get=True)
    token = DevelopmentIssuer(settings.public_url, tmp_path).token("nobody@nowhere.example")
    async with listening(create_app(settings)) as port:
        results = await asyncio.to_thread(audit, installed, f"http://127.0.0.1:{port}/graphql", token)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == COUNT


async def test_the_audits_can_fail(database_urls: DatabaseURLs, installed: Path, tmp_path: Path) -> None:
    """Without reads by GET, and without a token, some do."""
    settings = settings_for(database_urls, tmp_path, reads_by_get=False)
    token = DevelopmentIssuer(settings.public_url, tmp_path).token("nobody@nowhere.example")
    async with listening(create_app(settings)) as port:
        url = f"http://127.0.0.1:{port}/graphql"
        closed = await asyncio.to_thread(audit, installed, url, token)
        strange = await asyncio.to_thread(audit, installed, url, "x")
    assert 0 < sum(result["status"] != "ok" for result in closed) < 10
    assert sum(result["status"] == "ok" for result in strange) < 40
