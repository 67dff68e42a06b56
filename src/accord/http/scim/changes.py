"""A PUT or a PATCH as what the directory wants of the row that stands: a person or a group, whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from scim2_models import Context, SCIMException, TooManyException

from accord.database.engine import Transaction
from accord.database.queries.callers.scim_members import list_people_of
from accord.domain.callers.scim import MemberChange, SaidGroup, SaidUser
from accord.http.scim.access import (
    Members,
    asks_who_stands,
    boolean_of,
    ends_access,
    keys_of,
    left_members,
    split_active,
)
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
    members = frozenset[str]() if said in (ABSENT, None) else keys_of(said)
    group = read_resource(Group, without(payload, "members"), Context.RESOURCE_CREATION_REQUEST)
    return said_group(group, MemberChange(added=members))


class UserEdits:
    """What a PATCH or a PUT wants of a person, and what of it is the end of an access."""

    def __init__(self, payload: Mapping[str, Any], method: str) -> None:
        self.payload = payload
        self.method = method

    def edit(self, row: Any, base: str) -> SaidUser:
        """Return the person as the request wants it."""
        edited = patched_user if self.method == "PATCH" else replaced_user
        return edited(row, self.payload, base)

    def ends(self, row: Any) -> bool:
        """Does the request say that the access ends, whatever else it says?"""
        return ends_access(self.payload, self.method)


class GroupEdits:
    """What a PATCH or a PUT wants of a group, and who leaves by it.

    A request may name tens of thousands of people. They are read here, once and before anything is locked, so that it
    can be done in a thread of its own.
    """

    def __init__(self, payload: Mapping[str, Any], method: str) -> None:
        self.payload = payload
        self.method = method
        self.operations = read_operations(Group, payload) if method == "PATCH" else []
        self.others = [one for one in self.operations if not _is_of_members(one)]
        self.by_standing = asks_who_stands(self.operations)
        self._known = None if self.by_standing else self._read(())

    def _read(self, standing: Iterable[str]) -> tuple[MemberChange | SCIMException, MemberChange]:
        return self._wanted(standing), left_members(self.payload, self.method, standing)

    def _wanted(self, standing: Iterable[str]) -> MemberChange | SCIMException:
        """Return what the request makes of the people of the group, or why it is refused."""
        members = Members(standing)
        try:
            if self.method == "PATCH":
                for one in self.operations:
                    if _is_of_members(one):
                        members.apply(one)
            elif (said := named(self.payload, "members")) is not ABSENT:
                members.apply(Operation("replace", "members", said))
        except SCIMException as error:
            return error
        return members.change()

    async def edit(self, tx: Transaction, row: Any, base: str) -> SaidGroup:
        """Return the group as the request wants it. Without `members` in a PUT its people stay, with none or null they
        leave (record 68)."""
        change, _ = await self._members(tx, row)
        if isinstance(change, SCIMException):
            raise change
        if self.method == "PATCH":
            return said_group(self._patched(group_of(row, base)), change)
        group = read_resource(Group, without(self.payload, "members"), Context.RESOURCE_CREATION_REQUEST)
        return said_group(group, change)

    def _patched(self, group: Group) -> Group:
        if self.others or not (self.operations or _says_nothing(self.payload)):
            read_patch(Group, _with(self.payload, self.others)).patch(group, scim_policy=POLICY)
        return group

    async def ends(self, tx: Transaction, row: Any) -> MemberChange:
        """Return who leaves by what the request says of the members, whatever else it says."""
        _, left = await self._members(tx, row)
        return left

    async def _members(self, tx: Transaction, row: Any) -> tuple[MemberChange | SCIMException, MemberChange]:
        if self._known is None:
            self._known = self._read(map(str, await list_people_of(tx, row.id)))
        return self._known


def _is_of_members(operation: Any) -> bool:
    is_read = isinstance(operation, Operation) and operation.op in ("add", "replace", "remove")
    return is_read and operation.attribute == "members"


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
