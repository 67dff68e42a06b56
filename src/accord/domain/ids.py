"""Global IDs: the kind of a thing, an underscore and its UUID, as in `partnership_0199…`."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from accord.domain.errors import NotFound

KINDS: Final = frozenset(
    {
        "organisation",
        "user",
        "membership",
        "partnership",
        "link",
        "attempt",
        "amendment",
        "account",
        "share",
        "grant",
        "accessitem",
        "delegation",
        "rolegroup",
        "session",
        "contact",
        "invitationclaim",
        "settings",
        "scimcredential",
        "scimgroup",
        "apiclient",
        "invoice",
        "event",
        "terms",
        "notification",
        "cascade",
    }
)
UUID_LENGTH: Final = 36


def global_id(kind: str, key: UUID | str) -> str:
    """The ID a client sees for the row `key` of this kind."""
    return f"{kind}_{key}"


def kind_of(text: str) -> str | None:
    """The kind an ID names, None where it is no ID of ours."""
    kind, separator, _ = text.partition("_")
    return kind if separator and kind in KINDS else None


def parse_id(kind: str, text: str, path: tuple[str, ...] = ()) -> UUID:
    """The row's UUID; a malformed ID and one of another kind are NOT_FOUND like a missing one."""
    prefix, _, key = text.partition("_")
    if prefix != kind or len(key) != UUID_LENGTH:
        raise NotFound(path)
    try:
        parsed = UUID(key)
    except ValueError:
        raise NotFound(path) from None
    if str(parsed) != key:
        raise NotFound(path)
    return parsed
