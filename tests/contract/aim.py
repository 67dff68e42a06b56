"""Generated documents, aimed: their IDs, handles and tokens become real ones, so that resolvers are reached."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    NameNode,
    NullValueNode,
    SelectionSetNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    Visitor,
    get_named_type,
    is_abstract_type,
    is_input_object_type,
    is_leaf_type,
    visit,
)
from graphql.language import BooleanValueNode, EnumValueNode, ListValueNode

KINDS: Final = {
    "organisationId": "organisation",
    "createdForOrganisationId": "organisation",
    "partnerOrganisationId": "organisation",
    "partnershipId": "partnership",
    "accountId": "account",
    "shareId": "share",
    "grantId": "grant",
    "itemId": "accessitem",
    "invoiceId": "invoice",
    "customerId": "organisation",
    "membershipId": "membership",
    "userId": "user",
    "userIds": "user",
    "ownerUserId": "user",
    "memberUserIds": "user",
    "recipientUserIds": "user",
    "termsVersionId": "terms",
    "notificationIds": "notification",
    "contactId": "contact",
    "customerIds": "organisation",
}
OFTEN: Final = 0.9
WIDENED: Final = 0.4
SCALARS: Final = (StringValueNode, IntValueNode, BooleanValueNode, NullValueNode, EnumValueNode)


class Aim:
    """Real values of a world. `ids`: every ID by its kind; `home`: the organisation that the caller acts for."""

    def __init__(self, schema: GraphQLSchema, chance: random.Random) -> None:
        self.schema = schema
        self.chance = chance
        self.ids: dict[str, list[str]] = {}
        self.handles: list[str] = []
        self.tokens: list[str] = []
        self.words: list[str] = []
        self.cursors: list[str] = []

    def learn(self, ids: list[str]) -> None:
        for one in ids:
            self.ids.setdefault(one.partition("_")[0], []).append(one)

    def document(self, given: DocumentNode, home: str | None) -> DocumentNode:
        """The document with real values in nine of ten places, and `__typename` wherever a type is not certain."""
        info = TypeInfo(self.schema)
        aimed: DocumentNode = visit(given, TypeInfoVisitor(info, Aiming(self, info, home)))
        return aimed

    def value(self, name: str, kind: str, parent: str, home: str | None) -> ValueNode | None:
        """A value for an argument or input field, None to leave what was generated."""
        if self.chance.random() > OFTEN:
            return None
        if name == "organisationId" and home is not None and parent.endswith("Input"):
            return text(home)
        if kind == "ID":
            return self.one_of(self.ids.get(KINDS.get(name) or self.kind_of(parent), []))
        made = VALUES.get(name)
        return made(self) if made else None

    def kind_of(self, field: str) -> str:
        known = {"account", "partnership", "organisation"}
        return field if field in known else self.chance.choice(sorted(self.ids) or [""])

    def one_of(self, values: list[str]) -> ValueNode | None:
        return text(self.chance.choice(values)) if values else None

    def number(self, low: int, high: int) -> ValueNode:
        return IntValueNode(value=str(self.chance.randint(low, high)))


def text(value: str) -> StringValueNode:
    return StringValueNode(value=value)


VALUES: Final[Mapping[str, Callable[[Aim], ValueNode | None]]] = {
    "first": lambda aim: aim.number(0, 7),
    "last": lambda _: NullValueNode(),
    "before": lambda aim: aim.one_of(aim.cursors) if aim.chance.random() < 0.3 else NullValueNode(),
    "after": lambda aim: aim.one_of(aim.cursors) if aim.chance.random() < 0.3 else NullValueNode(),
    "expectedVersion": lambda aim: aim.number(1, 4),
    "handle": lambda aim: aim.one_of(aim.handles),
    "guestHandle": lambda aim: aim.one_of(aim.handles),
    "token": lambda aim: aim.one_of(aim.tokens),
    "search": lambda aim: aim.one_of(aim.words),
    "contactEmail": lambda aim: text(f"office{aim.chance.randint(1, 99)}@partner.example"),
    "email": lambda aim: text(f"new{aim.chance.randint(1, 9999)}@people.example"),
    "adminEmail": lambda aim: text(f"new{aim.chance.randint(1, 9999)}@people.example"),
    "launchUrl": lambda _: text("https://app.example/enter"),
    "consent": lambda _: BooleanValueNode(value=True),
    "expiresAt": lambda aim: text("2031-01-01T00:00:00Z") if aim.chance.random() < 0.5 else NullValueNode(),
    "app": lambda _: text("Ledger"),
    "label": lambda _: text("Till"),
    "countryCode": lambda _: text("NO"),
}


class Aiming(Visitor):
    """Replaces values on the way down, widens selections on the way up."""

    def __init__(self, aim: Aim, info: TypeInfo, home: str | None) -> None:
        super().__init__()
        self.aim = aim
        self.info = info
        self.home = home
        self.names: list[str] = []

    def enter(self, node: Any, *_: Any) -> Any:
        if node.kind in {"argument", "object_field"}:
            self.names.append(node.name.value)
            return None
        if isinstance(node, SCALARS) and self.names:
            return self.aimed()
        if isinstance(node, ListValueNode) and not node.values and self.names:
            inner = self.aimed()
            return None if inner is None else ListValueNode(values=(inner,))
        return None

    def aimed(self) -> ValueNode | None:
        kind = self.info.get_input_type()
        if kind is None or not is_leaf_type(get_named_type(kind)):
            return None
        holder = self.info.get_parent_input_type()
        field = self.info.get_field_def()
        inside = is_input_object_type(get_named_type(holder)) if holder is not None else False
        parent = str(get_named_type(holder)) if inside else self.field_name(field)
        return self.aim.value(self.names[-1], str(get_named_type(kind)), parent, self.home)

    def field_name(self, field: Any) -> str:
        fields = getattr(self.info.get_parent_type(), "fields", {})
        return next((name for name, one in fields.items() if one is field), "")

    def leave(self, node: Any, *_: Any) -> Any:
        if node.kind in {"argument", "object_field"}:
            self.names.pop()
        if isinstance(node, SelectionSetNode):
            return self.widened(node)
        return None

    def widened(self, node: SelectionSetNode) -> SelectionSetNode | None:
        """With `__typename` on abstract types, and often with all leaves of an object."""
        kind = self.info.get_parent_type()
        have = {one.name.value for one in node.selections if isinstance(one, FieldNode)}
        wanted = ["__typename"] if is_abstract_type(kind) else []
        wanted += ["code"] if kind is not None and kind.name == "MutationError" else []
        if isinstance(kind, GraphQLObjectType) and is_wide(kind) and self.aim.chance.random() < WIDENED:
            wanted += [name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type))]
        added = [FieldNode(name=NameNode(value=name)) for name in wanted if name not in have]
        return SelectionSetNode(selections=(*node.selections, *added)) if added else None


def is_wide(kind: GraphQLObjectType) -> bool:
    """Not the roots, nor the errors, whose fields of one name are of different types."""
    return kind.name not in {"Query", "Mutation"} and "code" not in kind.fields
