"""Rows as resources with their versions, and resources as what the directory says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from scim2_models import Context, GroupMembership, Meta, Name, Resource

from accord.domain.callers.scim import SaidGroup, SaidUser
from accord.domain.errors import NotFound, ValidationError
from accord.domain.ids import global_id, parse_id
from accord.domain.organisation import MembershipStatus
from accord.http.scim.models import Email, Group, GroupMember, User


def user_of(row: Any, base: str) -> User:
    """A member as the directory sees it."""
    name = row.profile.get("name")
    user = User(
        id=global_id("membership", row.id),
        external_id=row.external_id,
        user_name=row.user_name,
        display_name=row.display_name,
        name=Name.model_validate(name) if name else None,
        active=row.status == MembershipStatus.ACTIVE,
        emails=_emails(row),
        groups=[_group(entry, base) for entry in row.groups] or None,
    )
    user.meta = dated(user, "User", f"{base}/Users/{user.id}", row)
    return user


def group_of(row: Any, base: str) -> Group:
    """A group with its people."""
    group = Group(
        id=global_id("scimgroup", row.id),
        external_id=row.external_id,
        display_name=row.display_name,
        members=[_member(id, base) for id in row.members] or None,
    )
    group.meta = dated(group, "Group", f"{base}/Groups/{group.id}", row)
    return group


def dated(resource: Resource[Any], kind: str, location: str, row: Any) -> Meta:
    """The metadata of a resource; two that show the same have the same version."""
    shown = orjson.dumps(resource.model_dump(scim_ctx=Context.RESOURCE_QUERY_RESPONSE), option=orjson.OPT_SORT_KEYS)
    version = f'W/"{hashlib.sha256(shown).hexdigest()[:20]}"'
    return Meta(resource_type=kind, created=row.created_at, location=location, version=version)


def version_of(resource: Resource[Any]) -> str:
    """The entity tag of a resource that was read."""
    return str(resource.meta.version) if resource.meta is not None else ""


def said_user(user: User) -> SaidUser:
    """What a whole user says; ValidationError without an address."""
    emails = user.emails or []
    address = address_of([email.model_dump() for email in emails])
    if address is None:
        raise ValidationError("emails", "An e-mail address is needed.")
    name = user.name.model_dump(exclude_none=True) if user.name else None
    return SaidUser(
        user_name=user.user_name or "",
        display_name=user.display_name or "",
        email=address,
        active=bool(user.active),
        external_id=user.external_id,
        profile={"name": name or None, "emails": [email.model_dump() for email in emails]},
    )


def said_group(group: Group) -> SaidGroup:
    """What a whole group says; ValidationError for a member that is no ID of a user."""
    try:
        members = frozenset(parse_id("membership", member.value or "") for member in group.members or [])
    except NotFound:
        raise ValidationError("members", "Members are people of this organisation, named by their id.") from None
    return SaidGroup(group.display_name or "", group.external_id, members)


def address_of(emails: Sequence[Mapping[str, Any]]) -> str | None:
    """Which of the addresses is the person's: the primary one, else the first."""
    valued = [email for email in emails if email.get("value")]
    chosen = next((email for email in valued if email.get("primary")), valued[0] if valued else None)
    return None if chosen is None else str(chosen["value"])


def _emails(row: Any) -> list[Email]:
    said = row.profile.get("emails") or []
    if (address_of(said) or "").lower() == row.email.lower():
        return [Email.model_validate(email) for email in said]
    return [Email(value=row.email, type="work", primary=True)]


def _group(entry: Mapping[str, Any], base: str) -> GroupMembership:
    key = global_id("scimgroup", UUID(entry["id"]))
    return GroupMembership.model_validate(
        {"value": key, "$ref": f"{base}/Groups/{key}", "display": entry["display"], "type": "direct"}
    )


def _member(id: str, base: str) -> GroupMember:
    key = global_id("membership", UUID(id))
    return GroupMember.model_validate({"value": key, "$ref": f"{base}/Users/{key}", "type": "User"})
