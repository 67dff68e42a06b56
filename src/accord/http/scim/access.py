"""What a request says about access, read apart from all else it says: leaving wins (record 68).

`active` of a person and `members` of a group decide who has access. They are read here, in whatever spelling, so that
an end of access stands even where the rest of the request is refused; and what a PUT does not mention stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from scim2_models import InvalidValueException, MutabilityException, NoTargetException, SCIMException, TooManyException
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator, Not, Path, Present

from accord.domain.callers.scim import MemberChange
from accord.domain.errors import NotFound
from accord.domain.ids import global_id, parse_id
from accord.http.scim.models import Group, User
from accord.http.scim.operations import ABSENT, Operation, named, read_operations, single

TRUE: Final = frozenset({"true", "1", "yes", "on", "t", "y"})
ONE_MEMBER: Final = re.compile(r'members\s*\[\s*value\s+eq\s+"([^"\\]*)"\s*\](?:\s*\.\s*value)?\s*', re.IGNORECASE)
"""How nearly every directory names a member in a path; other filters are evaluated."""

MOST_FILTERS: Final = 10
LONGEST_PATH: Final = 2_000
FALSE: Final = frozenset({"false", "0", "no", "off", "f", "n"})


def read_boolean(value: Any) -> bool | None:
    """Return what a value says in whatever spelling, or None where it says nothing that can be understood."""
    said = single(value)
    if isinstance(said, bool | int | float):
        return bool(said) if said in (0, 1) else None
    word = said.strip().lower() if isinstance(said, str) else ""
    return True if word in TRUE else False if word in FALSE else None


def said_active(operations: Iterable[Any]) -> bool | None:
    """Return what a PATCH says about `active` in the end, or None; operations that nobody understands say nothing."""
    said = [read_boolean(one.value) for one in operations if _sets_active(one)]
    understood = [value for value in said if value is not None]
    return understood[-1] if understood else None


def split_active(operations: Iterable[Any]) -> tuple[list[Any], list[Operation]]:
    """Return the other operations of a PATCH, and those that set `active`; InvalidValueException for an unclear one."""
    others, setting = list[Any](), list[Operation]()
    for one in operations:
        (setting if _sets_active(one) else others).append(one)
    for one in setting:
        boolean_of(one.value)
    return others, setting


def _sets_active(operation: Any) -> bool:
    if not isinstance(operation, Operation) or operation.op not in ("add", "replace"):
        return False
    return operation.is_whole and operation.attribute == "active"


def boolean_of(value: Any) -> bool:
    """Return what `active` says; InvalidValueException where that is not clear."""
    said = read_boolean(value)
    if said is None:
        raise InvalidValueException(detail="active is true or false.")
    return said


def keys_of(value: Any) -> frozenset[str]:
    """Return the people that a list of members names, one of them alone, or their bare IDs.

    The ID decides: what else is said of a member (`$ref`, `display`, `type`, null or not) is no condition.
    InvalidValueException where an entry names nobody.
    """
    return frozenset(map(_key, value if isinstance(value, list) else [value]))


def _key(entry: Any) -> str:
    said = entry
    if isinstance(entry, Mapping):
        said = named(entry, "value")
        reference = named(entry, "$ref")
        if said in (ABSENT, None) and isinstance(reference, str):
            said = reference.rpartition("/")[2]
    try:
        return str(parse_id("membership", said.strip().lower() if isinstance(said, str) else ""))
    except NotFound:
        raise InvalidValueException(detail="Members are people of this organisation, named by their id.") from None


class Members:
    """Who enters and leaves a group while the operations of a PATCH are applied one after another.

    `standing` are the people who are in it, which filters alone ask for (`asks_who_stands`).
    """

    def __init__(self, standing: Iterable[str] = ()) -> None:
        self.standing = frozenset(standing)
        self.added, self.removed = set[str](), set[str]()
        self.stays = True
        self.filters = 0

    def change(self) -> MemberChange:
        """Return what the operations come to."""
        return MemberChange(frozenset(self.added), frozenset(self.removed), self.stays)

    def apply(self, operation: Operation) -> None:
        """Apply one operation on `members`; raise a SCIMException where it can't be, who left has left all the same."""
        if not operation.is_whole:
            self._apply_to_some(operation)
        elif operation.op == "remove":
            self._remove(operation.value)
        elif operation.value is ABSENT or (operation.value is None and operation.op == "add"):
            raise InvalidValueException(detail=f"{operation.op} needs a value.")
        else:
            keys = frozenset[str]() if operation.value is None else keys_of(operation.value)
            if operation.op == "replace":
                self._clear()
            self.added |= keys
            self.removed -= keys

    def _clear(self) -> None:
        self.added, self.removed, self.stays = set(), set(), False

    def _take_out(self, keys: Iterable[str]) -> None:
        leaving = set(keys)
        self.added -= leaving
        if self.stays:
            self.removed |= leaving

    def _remove(self, said: Any) -> None:
        """Take out whoever a list names, all where there is none; then raise for the entries that name nobody.

        Those who are named have left whatever stands beside them: the end of access does not wait for a whole list.
        """
        if said in (ABSENT, None):
            self._clear()
            return
        unclear = False
        for entry in said if isinstance(said, list) else [said]:
            try:
                self._take_out((_key(entry),))
            except InvalidValueException:
                unclear = True
        if unclear:
            keys_of(said)

    def _apply_to_some(self, operation: Operation) -> None:
        path = (operation.path or "").strip()
        if operation.op != "remove":
            raise MutabilityException(attribute=path, detail="A member is added or removed, and not changed.")
        one = ONE_MEMBER.fullmatch(path)
        if one is not None:
            self._take_out((_key(one.group(1)),))
            return
        matching = self._matching(path)
        if not matching:
            raise NoTargetException(detail=f"{path} names nobody in this group.")
        self._take_out(matching)

    def _matching(self, path: str) -> set[str]:
        self.filters += 1
        if self.filters > MOST_FILTERS or len(path) > LONGEST_PATH:
            raise TooManyException(detail=f"At most {MOST_FILTERS} filters, of {LONGEST_PATH} characters each.")
        parsed = Path[Group](path)
        if parsed.value_filter is None or not path.rstrip().lower().endswith(("]", "].value")):
            raise MutabilityException(attribute=path, detail="A member is removed whole.")
        holds = _holding(parsed.value_filter)
        people = self.added | (self.standing - self.removed if self.stays else frozenset())
        return {key for key in people if holds({"value": global_id("membership", key), "type": "user"})}


def asks_who_stands(operations: Iterable[Any]) -> bool:
    """Does a PATCH take out of a group whom a filter finds? Then everybody who is in it has to be read."""
    said = [one for one in operations if isinstance(one, Operation) and one.attribute == "members" and not one.is_whole]
    return any(one.op == "remove" and ONE_MEMBER.fullmatch((one.path or "").strip()) is None for one in said)


def _holding(node: FilterNode) -> Callable[[Mapping[str, str]], bool]:
    """Return a filter on one member as a function; the ID and the type are compared in any case."""
    if isinstance(node, LogicalExpr):
        terms = [_holding(term) for term in node.terms]
        every = node.op is LogicalOperator.and_
        return lambda member: (all if every else any)(term(member) for term in terms)
    if isinstance(node, Not):
        inner = _holding(node.expr)
        return lambda member: not inner(member)
    if isinstance(node, Present):
        return lambda member: node.attr_path.attr.lower() in member
    if isinstance(node, Comparison) and node.op in (CompareOperator.eq, CompareOperator.ne):
        name, value = node.attr_path.attr.lower(), str(node.value).lower()
        return lambda member: (member.get(name) == value) is (node.op is CompareOperator.eq)
    raise MutabilityException(attribute=str(node), detail="Members are compared by eq and ne.")


def ends_access(payload: Mapping[str, Any], method: str) -> bool:
    """Does this PATCH or PUT of a person say that the access ends, whatever else it says?"""
    if method == "PATCH":
        return said_active(read_operations(User, payload)) is False
    return read_boolean(named(payload, "active")) is False


def left_members(payload: Mapping[str, Any], method: str, standing: Iterable[str]) -> MemberChange:
    """Return who leaves a group by what a PATCH or PUT says of its members, whatever else it says; nobody enters."""
    members = Members(standing)
    said = read_operations(Group, payload) if method == "PATCH" else _replacing(payload)
    for one in said:
        if isinstance(one, Operation) and one.attribute == "members":
            with suppress(SCIMException):
                members.apply(one)
    return members.change()


def _replacing(payload: Mapping[str, Any]) -> list[Operation]:
    """Return what a PUT says of the members as an operation; one that does not mention them says nothing."""
    said = named(payload, "members")
    return [] if said is ABSENT else [Operation("replace", "members", said)]
