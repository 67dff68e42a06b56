"""Runs documents against the gateway, over HTTP, as the people whom they name."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from accord.database.engine import Database
from accord.delivery.mailbox import list_mails
from tests.api.gateway import Api
from tests.docs.recipes import Known, Recipe, compare, read_recipes

HEADER = re.compile(r"([A-Za-z-]+): (.+)")
LINK = re.compile(r"https?://\S+/(?:invitations|memberships|contacts)/([\w-]+)")
TOKEN = re.compile(r"<token for (\S+?)>")


async def cook(api: Api, document: Path) -> list[Recipe]:
    """Run every recipe of a document in order; what was run."""
    known = Known({"a month from now": (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="seconds")})
    worker = Database(api.urls.worker, pool_size=1)
    recipes = read_recipes(document)
    try:
        for recipe in recipes:
            for address in TOKEN.findall(recipe.variables):
                known.values[f"token for {address}"] = await _token(worker, api.url, address)
            compare(recipe, known, await _send(api, recipe, known))
    finally:
        await worker.close()
    return recipes


async def _token(worker: Database, url: str, address: str) -> str:
    """The token in the link of the newest mail to this address that has one."""
    for mail in reversed(await list_mails(worker, url, address=address)):
        if found := LINK.search(mail.text):
            return found[1]
    raise AssertionError(f"no mail with a link to {address}")


async def _send(api: Api, recipe: Recipe, known: Known) -> Any:
    if recipe.kind == "graphql":
        assert recipe.who, f"{recipe.place}: nobody is named"
        variables = json.loads(known.fill(recipe.variables))
        session, key = known.fill(recipe.session) or None, recipe.key or None
        return await api.post(recipe.who, recipe.text, variables, session, key)
    first, _, body = known.fill(recipe.text).partition("\n")
    method, _, path = first.partition(" ")
    given, body = _headers(body)
    signed_in = recipe.who and not path.startswith("/tickets")
    headers = {"authorization": f"Bearer {api.token(recipe.who)}"} if recipe.who and signed_in and not given else {}
    sent: dict[str, Any] = {"content": body.strip()} if "content-type" in given else {}
    if not sent and body.strip():
        sent = {"json": json.loads(body)}
    answer = await api.client.request(method, f"{api.url}{path}", headers=headers | given, **sent)
    return answer.text if recipe.answer_kind == "csv" else answer.json()


def _headers(text: str) -> tuple[dict[str, str], str]:
    """The header lines of a request as its document shows it, and its body; a request with headers has no others."""
    lines, given = text.splitlines(), dict[str, str]()
    while lines and (found := HEADER.fullmatch(lines[0])):
        given[found[1].lower()] = found[2]
        lines.pop(0)
    return given, "\n".join(lines)
