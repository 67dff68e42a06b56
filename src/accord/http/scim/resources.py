"""Rows as resources with their versions, and resources as what the directory says."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from scim2_models import GroupMembership, Meta, Name, Resource

from accord.domain import text
from accord.domain.callers.scim import MemberChange, SaidGroup, SaidUser
from accord.domain.errors import ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import MembershipStatus
from accord.http.scim.models import Email, Group, User


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
    shown = [user.active, row.user_name, row.external_id, row.display_name, row.email, row.profile, row.groups]
    user.meta = _meta("User", f"{base}/Users/{user.id}", row, shown)
    return user


def group_of(row: Any, base: str) -> Group:
    """A group without its people, who are added as they are written: `members_of`. Its version has their mark."""
    group = Group(id=global_id("scimgroup", row.id), external_id=row.external_id, display_name=row.display_name)
    shown = [row.display_name, row.external_id, row.member_count, row.members_digest]
    group.meta = _meta("Group", f"{base}/Groups/{group.id}", row, shown)
    return group


def members_of(keys: str, parts: Collection[str], base: str) -> orjson.Fragment:
    """Return the people of a group with these parts of each, written already: there may be tens of thousands, too many
    for an object of each."""
    ids = [global_id("membership", key) for key in keys.split(",")]
    written = {"value": '"value":"{0}"', "$ref": f'"$ref":"{base}/Users/{{0}}"', "type": '"type":"User"'}
    member = ",".join(written[part] for part in parts)
    return orjson.Fragment(f"[{','.join('{' + member.format(id) + '}' for id in ids)}]")


def _meta(kind: str, location: str, row: Any, shown: Sequence[Any]) -> Meta:
    """The metadata of a resource; two that show the same have the same version."""
    version = f'W/"{hashlib.sha256(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)).hexdigest()[:20]}"'
    return Meta(
        resource_type=kind,
        created=row.created_at,
        last_modified=row.modified_at,
        location=location,
        version=version,
    )


def version_of(resource: Resource[Any]) -> str:
    """The entity tag of a resource that was read."""
    return str(resource.meta.version) if resource.meta is not None else ""


def said_user(user: User) -> SaidUser:
    """What a whole user says; ValidationError without an address, or with more or longer texts than are kept."""
    user_name, emails = user.user_name or "", [_kept("emails", email.model_dump()) for email in user.emails or []]
    if len(emails) > text.ADDRESSES:
        raise ValidationError("emails", f"At most {text.ADDRESSES} addresses, these are {len(emails)}.")
    address = address_of(emails) or (user_name if "@" in user_name else None)
    if address is None:
        raise ValidationError("emails", "An e-mail address is needed.")
    name = _kept("name", user.name.model_dump(exclude_none=True)) if user.name else None
    return SaidUser(
        user_name=user_name,
        display_name=user.display_name or "",
        email=address,
        active=bool(user.active),
        external_id=user.external_id,
        profile={"name": name or None, "emails": emails},
    )


def said_group(group: Group, members: MemberChange) -> SaidGroup:
    """What a whole group says."""
    return SaidGroup(group.display_name or "", group.external_id, members)


def _kept(field: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a name or an address that say something, each within the bounds of a name."""
    return {
        part: text.name(field, value) if isinstance(value, str) else value
        for part, value in values.items()
        if value is not None and value != ""
    }


def address_of(emails: Sequence[Mapping[str, Any]]) -> str | None:
    """Which of the addresses is the person's: the primary one, else the first."""
    valued = [email for email in emails if email.get("value")]
    chosen = next((email for email in valued if email.get("primary")), valued[0] if valued else None)
    return None if chosen is None else str(chosen["value"])


def _emails(row: Any) -> list[Email]:
    """The addresses that the directory sent; of somebody at home elsewhere the one that home knows."""
    said = row.profile.get("emails") or []
    if row.at_home and said:
        return [Email.model_validate(email) for email in said[: text.ADDRESSES]]
    return [Email(value=row.email, type="work", primary=True)]


def _group(entry: Mapping[str, Any], base: str) -> GroupMembership:
    key = global_id("scimgroup", UUID(entry["id"]))
    return GroupMembership.model_validate(
        {"value": key, "$ref": f"{base}/Groups/{key}", "display": entry["display"], "type": "direct"}
    )
