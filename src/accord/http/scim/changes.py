"""A PUT or a PATCH as what the directory wants of the row that stands: a person or a group, whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from scim2_models import Context, TooManyException

from accord.domain.callers.scim import SaidGroup, SaidUser
from accord.http.scim.access import Members, boolean_of, keys_of, split_active
from accord.http.scim.models import MOST_OPERATIONS, POLICY, Group, User
from accord.http.scim.operations import ABSENT, Operation, named, read_operations
from accord.http.scim.reading import read_patch, read_resource, refuse_many, without
from accord.http.scim.resources import group_of, said_group, said_user, user_of


def created_user(payload: Mapping[str, Any]) -> SaidUser:
    """Return a new person as a directory sends it; active unless it says otherwise."""
    return _whole_user(payload, Context.RESOURCE_CREATION_REQUEST, standing=None)


def replaced_user(row: Any, payload: Mapping[str, Any], base: str) -> SaidUser:
    """Return a person as a PUT wants it; who is not said to be active or not stays what they are (record 68)."""
    return _whole_user(payload, Context.RESOURCE_REPLACEMENT_REQUEST, standing=user_of(row, base))


def _whole_user(payload: Mapping[str, Any], context: Context, standing: User | None) -> SaidUser:
    said = named(payload, "active")
    refuse_many(named(payload, "emails"))
    active = boolean_of(said) if said not in (ABSENT, None) else standing is None or bool(standing.active)
    given = without(payload, "active") | {"active": active}
    return said_user(read_resource(User, given, context))


def patched_user(row: Any, payload: Mapping[str, Any], base: str) -> SaidUser:
    """Return a person as it is after the operations of a PATCH."""
    user = user_of(row, base)
    operations = read_operations(User, payload)
    others, setting = split_active(operations)
    for one in others:
        refuse_many(one.value if isinstance(one, Operation) else None)
    if others or not (operations or _says_nothing(payload)):
        read_patch(User, _with(payload, others)).patch(user, scim_policy=POLICY)
    if setting:
        user.active = boolean_of(setting[-1].value)
    return said_user(user)


def created_group(payload: Mapping[str, Any]) -> SaidGroup:
    """Return a new group as a directory sends it."""
    said = named(payload, "members")
    members = frozenset[UUID]() if said in (ABSENT, None) else keys_of(said)
    group = read_resource(Group, without(payload, "members"), Context.RESOURCE_CREATION_REQUEST)
    return said_group(group, members)


def replaced_group(row: Any, payload: Mapping[str, Any], base: str) -> SaidGroup:
    """Return a group as a PUT wants it; without `members` its people stay, with none or null they leave (record 68)."""
    said = named(payload, "members")
    wanted = created_group(payload)
    return replace(wanted, members=frozenset(map(UUID, row.members))) if said is ABSENT else wanted


def patched_group(row: Any, payload: Mapping[str, Any], base: str) -> SaidGroup:
    """Return a group as it is after the operations of a PATCH."""
    group, members = group_of(row, base), Members(map(UUID, row.members))
    operations, others = read_operations(Group, payload), list[Any]()
    for one in operations:
        if isinstance(one, Operation) and one.attribute == "members" and one.op in ("add", "replace", "remove"):
            members.apply(one)
        else:
            others.append(one)
    if others or not (operations or _says_nothing(payload)):
        read_patch(Group, _with(payload, others)).patch(group, scim_policy=POLICY)
    return said_group(group, frozenset(members.people))


def _says_nothing(payload: Mapping[str, Any]) -> bool:
    """Has a PATCH operations that say only what the service itself assigns, such as the ID that Okta repeats?"""
    return isinstance(named(payload, "operations"), list) and bool(named(payload, "operations"))


def _with(payload: Mapping[str, Any], operations: list[Any]) -> dict[str, Any]:
    """Return a PATCH with these operations in the standard's shape."""
    if len(operations) > MOST_OPERATIONS:
        raise TooManyException(detail=f"At most {MOST_OPERATIONS} operations, these are {len(operations)}.")
    listed = [one.payload() if isinstance(one, Operation) else one for one in operations]
    schemas = named(payload, "schemas")
    said = named(payload, "operations")
    shown = said if not listed and not isinstance(said, list) else listed
    return {name: value for name, value in (("schemas", schemas), ("Operations", shown)) if value is not ABSENT}
