"""Carrying out what ends or changes with an act: in its transaction, or by the worker where it is much (model 4.10).

An act that concerns many things marks the one row that decides about all of them, so that everything is denied in the
same instant, and gives the rest to `carry_out`. Up to `at_once` things are done before the act is committed; more than
that are left to the worker, which goes through them in the order of their keys, a batch a transaction, in the name of
who acted. A batch that is broken off is done again as a whole, and one that was committed never is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from accord.access.principal import OWN_ISSUER, Acting, ApiClient, Client, Identity, Principal
from accord.database import queue
from accord.database.engine import Transaction
from accord.database.queries.cascade import add_cascade
from accord.domain.acting import Basis
from accord.domain.cascade import Cascade, CascadeKind
from accord.domain.organisation import PLATFORM
from accord.services.activity import Event

__all__ = ["Begun", "Work", "author_of", "carry_out", "principal_of"]

FOR_EVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """How a kind of cascade is carried out.

    `is_marked` says whether the row that the act has marked is still as it was left: without that the worker does
    nothing, so that a cascade by itself gives nobody the power to end anything. `list` returns the keys of the things
    after a key, in order, at most so many, and only those that are still to be done. `do` does a batch and returns the
    events to record. `batch` things are done in one transaction of the worker, `at_once` in that of the act.
    """

    kind: CascadeKind
    is_marked: Callable[[Transaction, Cascade], Awaitable[bool]]
    list: Callable[[Transaction, Cascade, UUID | None, int], Awaitable[Sequence[UUID]]]
    do: Callable[[Transaction, Cascade, Sequence[UUID]], Awaitable[Sequence[Event]]]
    batch: int
    at_once: int


@dataclass(frozen=True, slots=True)
class Begun:
    """What an act did of a cascade: the events to record, and the keys of what it has left to the worker."""

    events: Sequence[Event] = ()
    cascade_ids: tuple[UUID, ...] = ()


async def carry_out(tx: Transaction, work: Work, cascade: Cascade) -> Begun:
    """Do everything now and return its events, or leave everything to the worker and return its key."""
    if cascade.total == 0:
        return Begun()
    if cascade.total <= work.at_once:
        keys = await work.list(tx, cascade, None, cascade.total)
        return Begun(await work.do(tx, cascade, keys))
    key = await add_cascade(tx, tx.acting_for or PLATFORM, cascade, cascade.facts, author_of(tx))
    await queue.add_jobs(tx.driver, queue.CASCADE, [str(key)])
    return Begun(cascade_ids=(key,))


def author_of(tx: Transaction) -> dict[str, Any]:
    """Return what the worker needs to act in the caller's name: who, for whom, by what client and from where."""
    principal = tx.principal
    client, acting = principal.api_client, principal.acting
    return {
        "person": _text(principal.person_id),
        "name": principal.display_name,
        "home": _text(principal.home_organisation_id),
        "for": _text(tx.acting_for),
        "place": asdict(principal.identity.client),
        "client": None if client is None else {"id": str(client.client_id), "name": client.name},
        "acting": None
        if acting is None
        else {
            "session": str(acting.session_id),
            "host": str(acting.host_id),
            "home": str(acting.home_id),
            "partnership": _text(acting.partnership_id),
            "basis": acting.basis.value,
        },
    }


def principal_of(author: dict[str, Any]) -> tuple[Principal, UUID | None]:
    """Return the caller whom `author_of` wrote down, with a name and no rights, and the organisation acted for."""
    identity = Identity(
        OWN_ISSUER, "cascade", None, False, author["name"], False, "", FOR_EVER, Client(**author["place"])
    )
    principal = Principal(identity, _key(author["person"]), author["name"], _key(author["home"]))
    if author["client"] is not None:
        client = ApiClient(UUID(author["client"]["id"]), author["client"]["name"], frozenset())
        principal = replace(principal, api_client=client)
    if author["acting"] is not None:
        principal = replace(principal, acting=_acting(author["acting"]))
    return principal, _key(author["for"])


def _acting(given: dict[str, Any]) -> Acting:
    host, home = UUID(given["host"]), UUID(given["home"])
    return Acting(UUID(given["session"]), host, home, _key(given["partnership"]), Basis(given["basis"]))


def _text(key: UUID | None) -> str | None:
    return None if key is None else str(key)


def _key(given: str | None) -> UUID | None:
    return None if given is None else UUID(given)
