"""The page of permissions, written from the tables of the code by `make schema`."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from graphql import FieldDefinitionNode, ObjectTypeDefinitionNode, StringValueNode, parse

from accord.access.permissions import (
    CLIENTS_READ,
    CLIENTS_WRITE,
    NEVER_BY_CLIENTS,
    PERMISSIONS,
    Action,
    Capacity,
)
from tests.docs.recipes import DOCS

ROOTS = frozenset({"Query", "Mutation", "Viewer"})
BESIDE = {
    Action.ACTIVITY_EXPORT: ["/exports/activity.csv"],
    Action.REPORT_READ: ["/exports/report.csv"],
    Action.MEMBER_PROVISION: ["/scim/v2"],
}
"""What asks for an action outside GraphQL."""
HEAD = """\
# Permissions

Every field and every act asks for one action; this page is the table behind them, written from the code and compared
with it by a test. To be let in, one line of "open to" has to apply, with everything in it. Which rows somebody sees at
all is decided before: what is hidden from you is NOT_FOUND, whatever you might do to it.

More has to hold for everything that a guest's person does with a host's account: the partnership is active and within
its time, both organisations are active, and share and grant are active and within theirs. This is asked at every
request, so access ends when it does.

A person acts in the name of one organisation at a time (`organisationId`), where the membership is active. An auditor
who is nothing else reads activity. "Admin" is `ORG_ADMIN`; a co-owner counts as the Partnership Owner; the vendor's
staff is named in the settings and reads no data of organisations.

## Roles and actions

Y yes, o only where more holds (see below), - no. Who is several of these may do what each of them may. HA to HM are of
the host, GA to CO of the guest, and what is about an organisation is about the own one; DS to DP are people of the
guest who act in the host's organisation. The ceiling of a partner's contract is set by an admin of its parent.

"""
BELOW = """
## What has to hold

"""
CLIENTS = """
## API clients

An API client may do what its owner may in the client's organisation, as far as its scopes reach: each scope is an
action, or `noun:read` or `noun:write` for all actions of the noun in that column. Without a scope it sees itself
alone. "Never" is refused to every client, whoever owns it: a client approves, accepts, decides, grants and widens
nothing, and stands in for nobody in person. A level is only lowered, and settings change without the directory.

| Noun | `noun:read` | `noun:write` | Never |
|---|---|---|---|
"""
WORDS = {
    Capacity.DIRECTORY: "the organisation's directory, by a credential of its own",
    Capacity.PERSON: "anybody with an active membership",
    Capacity.MEMBER: "member of the organisation",
    Capacity.ORG_ADMIN: "admin of the organisation",
    Capacity.HOST_ADMIN: "admin of the host",
    Capacity.LEGAL: "legal representative or Decision Maker of the host",
    Capacity.LEGAL_REPRESENTATIVE: "legal representative of the organisation",
    Capacity.OWNER: "Partnership Owner",
    Capacity.REQUESTER: "who requested it",
    Capacity.HOST_MEMBER: "member of the host",
    Capacity.ACCOUNT_OWNER: "Account Owner",
    Capacity.GUEST_ADMIN: "admin of the guest",
    Capacity.GUEST_MEMBER: "member of the guest",
    Capacity.DELEGATED_ADMIN: "delegated admin of the guest",
    Capacity.REPRESENTATIVE: "representative of the guest",
    Capacity.GRANTEE: "who holds a grant",
    Capacity.ACCOUNT_MANAGER: "Account Manager on that account",
    Capacity.ITEM_REQUESTER: "who asked for the access",
    Capacity.AUDITOR: "auditor",
    Capacity.OPERATOR: "the vendor's staff",
    Capacity.ACTING: "somebody acting in the organisation",
    Capacity.ACTING_SUPPORT: "acting with SUPPORT",
    Capacity.ACTING_MANAGE: "acting with MANAGE",
    Capacity.ACTING_DECISION_MAKER: "acting as Decision Maker",
    Capacity.ACTING_PHONE_MANAGER: "acting as Phone Manager",
    Capacity.ACTING_BILLING: "acting with MANAGE, the wallet entrusted",
    Capacity.REACHES_ACCOUNT: "the session reaches the account",
    Capacity.AT_HOME: "not acting elsewhere",
    Capacity.PHONE_MANAGER: "Phone Manager of the organisation",
    Capacity.SEES_ACCOUNT: "sees the account",
    Capacity.NO_ACTIVE_OWNER: "nobody active owns the account",
    Capacity.GUEST_ASKS: "the guest asks for it and waits",
    Capacity.GUEST_ASKER: "has asked for it",
    Capacity.ADMIN_MAY_INVITE: "the organisation's policy allows it",
    Capacity.NOT_REQUESTER: "did not request it",
    Capacity.NOT_ONESELF: "for somebody else",
    Capacity.OWNER_GONE: "the owner is no longer active",
    Capacity.MAY_UNSHARE: "the host's policy allows it",
    Capacity.REPRESENTATIVE_MANAGES: "the guest's policy allows it",
}


class Column(NamedTuple):
    """A kind of person: what each of them is, what some are besides, and what may hold with what they are."""

    key: str
    title: str
    is_: frozenset[Capacity]
    some: frozenset[Capacity] = frozenset()
    together: frozenset[Capacity] = frozenset()

    def cell(self, action: Action) -> str:
        """Y, o or -: whether some way to the action is open to such a person."""
        ways = PERMISSIONS[action]
        if any(way <= self.is_ for way in ways):
            return "Y"
        more = (way for way in ways if way <= self.is_ | self.some | self.together)
        return "o" if any(way & (self.is_ | self.some) for way in more) else "-"


def _column(key: str, title: str, is_: set[Capacity], *some: Capacity, together: tuple[Capacity, ...] = ()) -> Column:
    return Column(key, title, frozenset(is_), frozenset(some), frozenset(together))


C = Capacity
OF_A_PARTNERSHIP = (C.NOT_REQUESTER, C.NOT_ONESELF, C.OWNER_GONE)
OF_AN_ACCOUNT = (C.SEES_ACCOUNT, C.NO_ACTIVE_OWNER, C.MAY_UNSHARE)
_HOST = {C.PERSON, C.MEMBER, C.HOST_MEMBER, C.AT_HOME}
_GUEST = {C.PERSON, C.MEMBER, C.GUEST_MEMBER, C.AT_HOME}
COLUMNS = (
    _column(
        "HA",
        "admin of the host",
        _HOST | {C.ORG_ADMIN, C.HOST_ADMIN},
        together=(*OF_A_PARTNERSHIP, *OF_AN_ACCOUNT, C.ADMIN_MAY_INVITE),
    ),
    _column(
        "LR",
        "legal representative or Decision Maker of the host",
        _HOST | {C.LEGAL},
        *(C.REQUESTER, C.LEGAL_REPRESENTATIVE),
        together=OF_A_PARTNERSHIP,
    ),
    _column("PO", "Partnership Owner or co-owner", _HOST | {C.OWNER}, C.ACCOUNT_OWNER),
    _column("AO", "Account Owner", _HOST | {C.ACCOUNT_OWNER}, C.REQUESTER, together=(C.OWNER,)),
    _column("HM", "member of the host", _HOST, C.REQUESTER, C.PHONE_MANAGER),
    _column(
        "GA",
        "admin of the guest",
        _GUEST | {C.ORG_ADMIN, C.GUEST_ADMIN},
        C.GRANTEE,
        together=(C.GUEST_ASKS, C.GUEST_ASKER, C.ADMIN_MAY_INVITE),
    ),
    _column(
        "GR",
        "representative of the guest",
        _GUEST | {C.REPRESENTATIVE},
        *(C.GRANTEE, C.ACCOUNT_MANAGER, C.ITEM_REQUESTER),
        together=(C.REPRESENTATIVE_MANAGES,),
    ),
    _column("GD", "delegated admin of the guest", _GUEST | {C.DELEGATED_ADMIN}, C.GRANTEE),
    _column("AM", "Account Manager of the guest", _GUEST | {C.GRANTEE, C.ACCOUNT_MANAGER}, C.ITEM_REQUESTER),
    _column("CO", "Collaborator of the guest", _GUEST | {C.GRANTEE}),
    _column("DS", "acting with SUPPORT", {C.ACTING, C.ACTING_SUPPORT}),
    _column(
        "DM",
        "acting with MANAGE",
        {C.ACTING, C.ACTING_MANAGE},
        C.ACTING_BILLING,
        together=(C.REACHES_ACCOUNT,),
    ),
    _column("DD", "acting as Decision Maker", {C.ACTING, C.ACTING_DECISION_MAKER}),
    _column("DP", "acting as Phone Manager", {C.ACTING, C.ACTING_PHONE_MANAGER}),
    _column("OP", "the vendor's staff", {C.OPERATOR, C.AT_HOME}),
    _column("DI", "directory of the organisation", {C.DIRECTORY}),
    _column("AU", "auditor of the organisation", {C.PERSON, C.AUDITOR, C.AT_HOME}),
)


def render() -> str:
    """The whole page."""
    fields = _fields()
    asked = {action: [*fields.get(action, ()), *BESIDE.get(action, ())] for action in Action}
    rows = ["| Action | Asked by | Open to |", "|---|---|---|"]
    for action in Action:
        asking = ", ".join(f"`{name}`" for name in asked[action])
        rows.append(f"| `{action}` | {asking} | {'<br>'.join(_ways(action))} |")
    cells = "\n".join([*_legend(), "", *_cells()])
    return HEAD + cells + "\n" + BELOW + "\n".join(rows) + "\n" + CLIENTS + "\n".join(_of_clients()) + "\n"


def _of_clients() -> Iterator[str]:
    """What scopes can name and what no client may, one line a noun."""
    for noun in dict.fromkeys(action.partition(":")[0] for action in Action):
        actions = [action for action in Action if action.partition(":")[0] == noun]
        columns = [[f"`{a}`" for a in actions if a in kind] for kind in (CLIENTS_READ, CLIENTS_WRITE, NEVER_BY_CLIENTS)]
        if any(columns):
            yield f"| {noun} | {' | '.join(', '.join(column) or '-' for column in columns)} |"


def _legend() -> Iterator[str]:
    yield "| Column | Who |"
    yield "|---|---|"
    for column in COLUMNS:
        yield f"| {column.key} | {column.title} |"


def _cells() -> Iterator[str]:
    """Roles by actions, of the mutations and of what is read."""
    yield f"| Action | {' | '.join(column.key for column in COLUMNS)} |"
    yield "|---" * (1 + len(COLUMNS)) + "|"
    for action in Action:
        yield f"| `{action}` | {' | '.join(column.cell(action) for column in COLUMNS)} |"


def _ways(action: Action) -> Iterator[str]:
    for needed in PERMISSIONS[action]:
        yield " and ".join(WORDS[capacity] for capacity in Capacity if capacity in needed) or "anybody who is signed in"


def _fields() -> dict[Action, list[str]]:
    """The fields and types of the API by the action that they ask for."""
    found: dict[Action, list[str]] = defaultdict(list)
    for node in parse((DOCS / "schema.graphql").read_text(encoding="utf-8")).definitions:
        if not isinstance(node, ObjectTypeDefinitionNode):
            continue
        if (action := _required(node)) is not None:
            found[action].append(node.name.value)
        for field in node.fields or ():
            if (action := _required(field)) is not None:
                prefix = "" if node.name.value in ROOTS else f"{node.name.value}."
                found[action].append(prefix + field.name.value)
    return found


def _required(node: ObjectTypeDefinitionNode | FieldDefinitionNode) -> Action | None:
    for directive in node.directives or ():
        if directive.name.value == "requires":
            (argument,) = directive.arguments or ()
            assert isinstance(argument.value, StringValueNode)
            return Action(argument.value.value)
    return None


if __name__ == "__main__":
    sys.stdout.write(render())
