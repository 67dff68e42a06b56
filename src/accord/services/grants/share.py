"""What the acts on a share have in common: the rows under lock, the decision, the people to tell, the event."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from accord.access.decision import require
from accord.access.facts import GrantFacts, Target
from accord.access.permissions import Action
from accord.database.engine import Transaction
from accord.database.queries.partnership import lock_partnership_of_share, partnership_facts
from accord.database.queries.recipients import people
from accord.database.queries.sharing import account_facts, lock_share, share_facts
from accord.domain.activity import EventType
from accord.domain.errors import Forbidden, InvalidState
from accord.domain.notice import Template
from accord.domain.partnership import PARTNERSHIP, PartnershipEvent, PartnershipState
from accord.domain.sharing import AccountRole
from accord.services.activity import Event
from accord.services.outbox import Mail, Recipient, enqueue
from accord.services.pair import addressed, refuse_overdue

__all__ = [
    "BULK",
    "HeldShare",
    "Receipt",
    "enumerated",
    "event_on",
    "hold",
    "require_live",
    "role_name",
    "send",
    "tell",
    "tell_removed",
]

BULK: Final = 500
"""Items that one act may name (surface.md)."""

NAMED: Final = 5
"""People that one mail names before it says how many others there are."""

ROLE_NAMES: Final = {AccountRole.COLLABORATOR: "Collaborator", AccountRole.ACCOUNT_MANAGER: "Account Manager"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an act ended beside its own object."""

    grants_ended: int
    access_requests_cancelled: int
    tickets_voided: int


@dataclass(frozen=True, slots=True)
class HeldShare:
    """A share and its partnership, both locked until the end of the act."""

    partnership: Any
    share: Any

    def target(self, **parts: Any) -> Target:
        """What a decision about this share looks at; `parts` are the grant or the item that the act has besides."""
        return Target(
            partnership=partnership_facts(self.partnership),
            account=account_facts(self.share, self.share.account_status),
            share=share_facts(self.share),
            **parts,
        )

    def require(self, tx: Transaction, action: Action, grant: GrantFacts | None = None) -> None:
        """Raise Forbidden unless the caller may do this to the share, and InvalidState past the partnership's end."""
        require(tx.principal, action, self.target(grant=grant), now=tx.now, acting_for=tx.acting_for)
        refuse_overdue(self.partnership)


async def hold(tx: Transaction, share_id: UUID, path: tuple[str, ...] = ("shareId",)) -> HeldShare:
    """The share and its partnership, locked in the order that all acts keep; NotFound where the caller can't see it."""
    partnership = await lock_partnership_of_share(tx, share_id, path)
    return HeldShare(partnership, await lock_share(tx, share_id, path))


def require_live(tx: Transaction, partnership: Any, action: Action) -> None:
    """Can access be given in this partnership now? InvalidState before it begins and after it ends (S61, S64)."""
    PARTNERSHIP.move(PartnershipState(partnership.state), PartnershipEvent.SHARE)
    if partnership.expires_at is not None and partnership.expires_at <= tx.now:
        raise InvalidState(PartnershipState.EXPIRED)
    if not (partnership.host_active and partnership.guest_active):
        raise Forbidden(action, "ORGANISATION_INACTIVE")


async def tell(
    tx: Transaction, partnership: Any, template: Template, facts: Mapping[str, str], user_ids: Iterable[UUID]
) -> None:
    """Mail and notice to these people and the guest's representative (model 4.11)."""
    rows = await people(tx, {*user_ids, partnership.representative_user_id} - {None})
    await send(tx, partnership, template, facts, addressed(rows))


async def send(
    tx: Transaction, partnership: Any, template: Template, facts: Mapping[str, str], recipients: Collection[Recipient]
) -> None:
    """Mail and notice in the name of the organisation that acts; both organisations are facts of every one."""
    pair = {"host": partnership.host_name, "guest": partnership.guest_name}
    mail = Mail(
        template=template,
        organisation_id=tx.acting_for or partnership.host_id,
        recipients=tuple(recipients),
        facts=pair | dict(facts),
        partnership_id=partnership.id,
    )
    await enqueue(tx, mail)


async def tell_removed(tx: Transaction, partnership: Any, labels: Iterable[str], user_ids: Collection[UUID]) -> None:
    """Tell people, and the representative, which accounts they have no access to any more (4.11)."""
    names = [person.display_name for person in await people(tx, user_ids)] or [partnership.guest_name]
    said = {"account": enumerated(labels), "member": enumerated(names)}
    await tell(tx, partnership, Template.ACCESS_REMOVED, said, user_ids)


def enumerated(names: Iterable[str]) -> str:
    """Names as a sentence has them: `Ada, Ben and Cleo`; after five, how many others there are."""
    listed = list(names)
    if len(listed) > NAMED + 1:
        listed = [*listed[:NAMED], f"{len(listed) - NAMED} others"]
    return " and ".join(part for part in (", ".join(listed[:-1]), *listed[-1:]) if part)


def role_name(role: AccountRole | str) -> str:
    """A role as mails write it."""
    return ROLE_NAMES[AccountRole(role)]


def event_on(
    share: Any, event: EventType, *, reason: str | None = None, data: Mapping[str, Any] | None = None
) -> Event:
    """An event on a shared account, in the streams of both sides (S87)."""
    return Event(
        type=event,
        streams=(share.host_id, share.guest_id),
        host_id=share.host_id,
        guest_id=share.guest_id,
        partnership_id=share.partnership_id,
        account_id=share.account_id,
        account_label=share.label,
        app=share.app,
        reason=reason,
        data=data or {},
    )
