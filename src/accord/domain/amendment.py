"""Amendments of the terms of an active partnership: what is wider, what is narrower, and their life (model 4.4.6)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from accord.domain.errors import ValidationError
from accord.domain.level import WORDS, DataAccessLevel, is_above, least
from accord.domain.lifecycle import Deadline, LifeCycle
from accord.domain.notice import day
from accord.domain.partnership import AccessMode, PartnershipSide, Purpose, Terms, ends_later, purposes

DECIDED_WITHIN: Final = timedelta(days=14)
"""For each side whose turn it is."""


class AmendmentKind(StrEnum):
    WIDEN = "WIDEN"
    NARROW = "NARROW"


class AmendmentState(StrEnum):
    PENDING_HOST = "PENDING_HOST"
    PENDING_GUEST = "PENDING_GUEST"
    APPLIED = "APPLIED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    LAPSED = "LAPSED"


class AmendmentEvent(StrEnum):
    APPROVE = "approve"
    """The host's yes to what a Partnership Owner proposed; the guest is next."""
    GRANT = "grant"
    """The host's yes to what the guest asked for."""
    ACCEPT = "accept"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"


S = AmendmentState
E = AmendmentEvent
TURN: Final = {S.PENDING_HOST: PartnershipSide.HOST, S.PENDING_GUEST: PartnershipSide.GUEST}
"""Whose answer is waited for; an amendment in another state is over."""

AMENDMENT: Final = LifeCycle(
    {
        (S.PENDING_HOST, E.APPROVE): S.PENDING_GUEST,
        (S.PENDING_HOST, E.GRANT): S.APPLIED,
        (S.PENDING_GUEST, E.ACCEPT): S.APPLIED,
        (S.PENDING_HOST, E.DECLINE): S.DECLINED,
        (S.PENDING_GUEST, E.DECLINE): S.DECLINED,
        (S.PENDING_HOST, E.WITHDRAW): S.WITHDRAWN,
        (S.PENDING_GUEST, E.WITHDRAW): S.WITHDRAWN,
        (S.PENDING_HOST, E.LAPSE): S.LAPSED,
        (S.PENDING_GUEST, E.LAPSE): S.LAPSED,
    }
)
AMENDMENT_DEADLINES: Final = (Deadline(TURN, "lapses_at", S.LAPSED),)


SPELLED: Final = {
    "purposes": "purposes",
    "expires_at": "expiresAt",
    "access_mode": "accessMode",
    "wallet_entrusted": "walletEntrusted",
    "level": "level",
}
"""The fields that an amendment can change, in the API's spelling."""


def live(row: Any) -> Terms:
    """Return the terms that a partnership's row stands on, with the level that is granted; shares are no part of them
    any more (4.4.6)."""
    return Terms(
        purposes=purposes(row.purposes),
        expires_at=row.expires_at,
        access_mode=AccessMode(row.access_mode),
        wallet_entrusted=row.wallet_entrusted,
        level=DataAccessLevel(row.granted_level),
        auto_extend=row.auto_extend,
    )


def amended(terms: Terms, changes: dict[str, Any], ceiling: DataAccessLevel) -> Terms:
    """Return these terms with the given fields; raise ValidationError for what can't be.

    The wallet goes with COMPLETE (S97). COMPLETE that is added brings MANAGE, as by invitation, as far as the ceiling
    allows (Q20); the terms state it, so that both sides see it before they agree.
    """
    if "purposes" in changes and not changes["purposes"]:
        raise ValidationError("purposes", "At least one purpose is needed.")
    limited = changes.get("access_mode", terms.access_mode) is AccessMode.LIMITED
    if limited and changes.get("wallet_entrusted"):
        raise ValidationError("walletEntrusted", "The wallet is entrusted with complete access only.")
    after = replace(terms, **changes | ({"wallet_entrusted": False} if limited else {}))
    brought = least(DataAccessLevel.MANAGE, ceiling)
    opens = not limited and terms.access_mode is AccessMode.LIMITED
    return replace(after, level=brought) if opens and is_above(brought, terms.level) else after


def changed(before: Terms, after: Terms) -> tuple[str, ...]:
    """The fields that differ, in order."""
    return tuple(name for name in SPELLED if getattr(before, name) != getattr(after, name))


def excerpt(terms: Terms, names: Collection[str]) -> dict[str, Any]:
    """These fields as an event tells them."""
    kept = terms.snapshot()
    return {SPELLED[name]: kept[SPELLED[name]] for name in names}


def kind_of(before: Terms, after: Terms) -> AmendmentKind:
    """Does this go beyond what stands? (model 4.1, Terms)

    Another purpose is wider even where one goes. An end, a mode or a wallet that is taken back together with something
    wider is refused (ValidationError): taking back has to work at once, and something wider waits.
    """
    different = changed(before, after)
    if not different:
        raise ValidationError("purposes", "These are the terms that stand already.")
    wider = {
        "purposes": not after.purposes <= before.purposes,
        "expires_at": ends_later(after.expires_at, before.expires_at),
        "access_mode": after.access_mode is AccessMode.COMPLETE,
        "wallet_entrusted": after.wallet_entrusted,
        "level": is_above(after.level, before.level),
    }
    if not any(wider[name] for name in different):
        return AmendmentKind.NARROW
    taken_back = [name for name in different if name != "purposes" and not wider[name]]
    if taken_back:
        raise ValidationError(SPELLED[taken_back[0]], "Take this back first, by itself; then propose what is wider.")
    return AmendmentKind.WIDEN


def opens_everything(before: Terms, after: Terms) -> bool:
    """Are COMPLETE or the wallet added? A legal representative alone does that (S97, Q30)."""
    complete = after.access_mode is AccessMode.COMPLETE and before.access_mode is AccessMode.LIMITED
    return complete or (after.wallet_entrusted and not before.wallet_entrusted)


def applied(standing: Terms, before: Terms, after: Terms) -> Terms:
    """What stands once a wider amendment is applied: its changes alone, and of two later ends the later.

    What stands differs from `before` where the host has moved the end meanwhile.
    """
    changes = {name: getattr(after, name) for name in changed(before, after)}
    if "expires_at" in changes and not ends_later(after.expires_at, standing.expires_at):
        del changes["expires_at"]
    return replace(standing, **changes)


def brings_level(amendment: Any) -> bool:
    """Would this amendment raise the level above what was granted when it was proposed?"""
    return is_above(Terms.read(amendment.terms_after).level, Terms.read(amendment.terms_before).level)


def words(before: Terms, after: Terms) -> str:
    """What changes, as mails say it: "purposes: support and management; ends on: 4 December 2026"."""
    said = {
        "purposes": f"purposes: {_listed(after.purposes)}",
        "expires_at": f"ends on: {day(after.expires_at)}" if after.expires_at else "without an end",
        "access_mode": "all accounts" if after.access_mode is AccessMode.COMPLETE else "shared accounts only",
        "wallet_entrusted": "wallet entrusted" if after.wallet_entrusted else "wallet taken back",
        "level": f"access to data: {WORDS[after.level]}",
    }
    return "; ".join(said[name] for name in changed(before, after))


def _listed(chosen: Iterable[Purpose]) -> str:
    return " and ".join(sorted(purpose.lower().replace("_", " ") for purpose in chosen))
