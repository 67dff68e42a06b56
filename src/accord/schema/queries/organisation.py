"""Who asks, organisations, and looking up partners."""

from __future__ import annotations

from typing import Final, cast

from strawberry import ID

from accord.database.queries.read import organisation as read
from accord.domain.text import spellings
from accord.schema.connections import found, key_of, listing, search_text
from accord.schema.context import Info
from accord.schema.errors import BadInput
from accord.schema.pagination import Connection, span
from accord.schema.types.organisation import Organisation
from accord.schema.types.refusals import contact
from accord.schema.types.viewer import PartnerSummary, SupportContact, Viewer

NO_HANDLE: Final = ""
"""What an unknown request code is looked up by, so that it costs the same statements as one that is known."""

EVERYTHING: Final = "00000000-0000-0000-0000-000000000000"
"""The parent of a list that has none."""


def viewer(info: Info) -> Viewer | None:
    """The person who asks."""
    return cast("Viewer", info.context.principal)


async def organisation(info: Info, id: ID | None = None, handle: str | None = None) -> Organisation | None:
    """One organisation, by its ID or its handle: exactly one of them."""
    if (id is None) == (handle is None):
        raise BadInput("Give either id or handle.")
    if id is not None:
        row = await info.context.loaders.seen_organisation_by_id.load(key_of("organisation", id))
    else:
        rows = await info.context.snapshot.fetch(read.ORGANISATION_BY_HANDLE, handle=handle)
        row = rows[0] if rows else None
    organisation: Organisation = found(row)
    return organisation


def organisations(
    info: Info,
    search: str | None = None,
    first: int | None = None,
    after: str | None = None,
    last: int | None = None,
    before: str | None = None,
) -> Connection[Organisation] | None:
    """Every organisation, for the operator."""
    return listing(info, read.ORGANISATIONS, EVERYTHING, span(first, after, last, before), search=search_text(search))


async def partner_lookup(
    info: Info, handle: str | None = None, request_code: str | None = None
) -> PartnerSummary | None:
    """The organisation with exactly this handle or request code, if partnerships with it are possible (S48, Q19)."""
    if (handle is None) == (request_code is None):
        raise BadInput("Give either handle or requestCode.")
    if request_code is not None:
        known = await info.context.snapshot.fetch(read.HANDLE_BY_REQUEST_CODE, code=request_code)
        handle = known[0].handle if known else NO_HANDLE
    await info.context.snapshot.fetch(read.SHOW_HANDLE, handle=handle)
    rows = await info.context.snapshot.fetch(read.PARTNER_BY_HANDLE, handle=handle)
    partner: PartnerSummary = found(rows[0] if rows else None)
    return partner


async def partner_directory(info: Info, search: str) -> list[PartnerSummary] | None:
    """Partners that let themselves be found: by a part of the name, or by exactly the address that they have published;
    at most 25 (S93, Q19)."""
    text = search_text(search)
    if text is None:
        raise BadInput("Search for a name or an address.")
    rows: list[PartnerSummary] = await info.context.snapshot.fetch(read.PARTNER_DIRECTORY, search=spellings(text)[-1])
    return rows


def support_contact(info: Info) -> SupportContact:
    """The vendor's contact."""
    return contact(info.context.support)
