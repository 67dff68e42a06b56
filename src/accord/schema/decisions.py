"""Field rights that depend on the row: the one decision function, with facts read for the whole level."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from accord.access.decision import Deny, decide
from accord.access.facts import PartnershipFacts, Target
from accord.access.permissions import Action
from accord.schema.context import Info
from accord.schema.errors import ForbiddenField


async def demand_on_partnership(info: Info, key: str, action: Action) -> None:
    """May the viewer do this on the partnership? ForbiddenField otherwise, whatever the field holds."""
    (refused,) = await refusals_on_partnerships(info, [key], action)
    if refused is not None:
        raise refused


async def refusals_on_partnerships(info: Info, keys: Sequence[str], action: Action) -> list[Exception | None]:
    """The same of a level's partnerships: for each what `demand_on_partnership` would raise, None where it may be."""
    asked = list(dict.fromkeys(keys))
    known = dict(zip(asked, await info.context.loaders.facts_by_partnership.level(asked), strict=True))
    refused = {key: _refusal(info, facts, action) for key, facts in known.items()}
    return [refused[key] for key in keys]


def _refusal(info: Info, facts: PartnershipFacts | Exception | None, action: Action) -> Exception | None:
    if isinstance(facts, Exception):
        return facts
    if facts is None:
        return ForbiddenField(action)
    verdict = decide(info.context.principal, action, Target(partnership=facts), now=info.context.now)
    return ForbiddenField(action, verdict.condition) if isinstance(verdict, Deny) else None


async def demand_on_account(info: Info, key: str, action: Action) -> None:
    """The same on an account, by any of its shares."""
    targets = await info.context.loaders.targets_by_account.load(key)
    if not any(may(info, action, target) for target in targets):
        raise ForbiddenField(action)


def demand_membership(info: Info, key: str) -> None:
    """Is the viewer a member of the organisation, or the operator? ForbiddenField otherwise."""
    principal = info.context.principal
    if not principal.operator and UUID(key) not in principal.organisations:
        raise ForbiddenField(Action.ORGANISATION_READ)


def may(info: Info, action: Action, target: Target) -> bool:
    """May the viewer do this to the target?"""
    return not isinstance(decide(info.context.principal, action, target, now=info.context.now), Deny)


def demand_in_organisation(info: Info, key: str, action: Action) -> None:
    """The same in an organisation, by roles alone."""
    verdict = decide(info.context.principal, action, Target(organisation_id=UUID(key)), now=info.context.now)
    if isinstance(verdict, Deny):
        raise ForbiddenField(action, verdict.condition)
