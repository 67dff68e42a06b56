"""The page of permissions, written from the tables of the code by `make schema`."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator

from graphql import FieldDefinitionNode, ObjectTypeDefinitionNode, StringValueNode, parse

from accord.access.permissions import PERMISSIONS, Action, Capacity
from tests.docs.recipes import DOCS

ROOTS = frozenset({"Query", "Mutation", "Viewer"})
BESIDE = {Action.ACTIVITY_EXPORT: ["/exports/activity.csv"]}
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

## Actions

"""
WORDS = {
    Capacity.PERSON: "anybody with an active membership",
    Capacity.MEMBER: "member of the organisation",
    Capacity.ORG_ADMIN: "admin of the organisation",
    Capacity.HOST_ADMIN: "admin of the host",
    Capacity.LEGAL: "legal representative or Decision Maker of the host",
    Capacity.OWNER: "Partnership Owner",
    Capacity.REQUESTER: "who requested it",
    Capacity.HOST_MEMBER: "member of the host",
    Capacity.ACCOUNT_OWNER: "Account Owner",
    Capacity.GUEST_ADMIN: "admin of the guest",
    Capacity.GUEST_MEMBER: "member of the guest",
    Capacity.REPRESENTATIVE: "representative of the guest",
    Capacity.GRANTEE: "who holds a grant",
    Capacity.ACCOUNT_MANAGER: "Account Manager on that account",
    Capacity.ITEM_REQUESTER: "who asked for the access",
    Capacity.AUDITOR: "auditor",
    Capacity.OPERATOR: "the vendor's staff",
    Capacity.SEES_ACCOUNT: "sees the account",
    Capacity.NO_ACTIVE_OWNER: "nobody active owns the account",
    Capacity.NOT_REQUESTER: "did not request it",
    Capacity.NOT_ONESELF: "for somebody else",
    Capacity.OWNER_GONE: "the owner is no longer active",
    Capacity.MAY_UNSHARE: "the host's policy allows it",
    Capacity.REPRESENTATIVE_MANAGES: "the guest's policy allows it",
}


def render() -> str:
    """The whole page."""
    asked = _fields() | BESIDE
    rows = ["| Action | Asked by | Open to |", "|---|---|---|"]
    for action in Action:
        fields = ", ".join(f"`{name}`" for name in asked.get(action, ()))
        rows.append(f"| `{action}` | {fields} | {'<br>'.join(_ways(action))} |")
    return HEAD + "\n".join(rows) + "\n"


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
