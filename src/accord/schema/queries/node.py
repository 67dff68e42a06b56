"""Relay: anything by its global ID."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from strawberry import ID

from accord.domain.errors import NotFound
from accord.domain.ids import kind_of, parse_id
from accord.schema.connections import found
from accord.schema.context import Info
from accord.schema.errors import NothingThere, PageTooLarge
from accord.schema.pagination import LARGEST_PAGE
from accord.schema.types.node import Node

LOADERS: Final = {
    "organisation": "seen_organisation_by_id",
    "user": "seen_user_by_id",
    "membership": "membership_by_id",
    "partnership": "partnership_by_id",
    "link": "link_by_id",
    "attempt": "attempt_by_id",
    "amendment": "amendment_by_id",
    "account": "account_by_id",
    "share": "share_by_id",
    "grant": "grant_by_id",
    "accessitem": "access_item_by_id",
    "delegation": "delegation_by_id",
    "rolegroup": "role_group_by_id",
    "session": "session_by_id",
    "contact": "contact_by_id",
    "invitationclaim": "invitation_claim_by_id",
    "apiclient": "api_client_by_id",
    "settings": "settings_by_id",
    "invoice": "invoice_by_id",
    "scimcredential": "scim_credential_by_id",
    "scimgroup": "scim_group_by_id",
    "event": "event_by_id",
    "terms": "terms_by_id",
    "notification": "notification_by_id",
    "cascade": "cascade_by_id",
}
"""The loader of each kind of ID; what may be seen is the same as by any other path."""


async def node(info: Info, id: ID) -> Node | None:
    """Anything by its ID."""
    row: Node = found(await _row(info, id))
    return row


async def nodes(info: Info, ids: list[ID]) -> list[Node | None]:
    """Several things by their IDs, in order; null and one error for each that is not there."""
    if len(ids) > LARGEST_PAGE:
        raise PageTooLarge(len(ids), LARGEST_PAGE)
    rows: list[Any] = await asyncio.gather(*(_row(info, id) for id in ids))
    answers: list[Any] = [NothingThere() if row is None else row for row in rows]
    return answers


async def _row(info: Info, text: str) -> Any:
    kind = kind_of(text)
    try:
        key = None if kind is None else str(parse_id(kind, text))
    except NotFound:
        key = None
    return None if kind is None or key is None else await getattr(info.context.loaders, LOADERS[kind]).load(key)
