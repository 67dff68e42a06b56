"""Gate 1: may this caller ever do this? Every field carries a `Requires`; it looks at roles alone and does no I/O."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import strawberry
from strawberry.permission import BasePermission, PermissionExtension
from strawberry.schema_directive import Location
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from accord.access.decision import may_ever, refusal
from accord.access.permissions import Action
from accord.schema.errors import ForbiddenField

Type = TypeVar("Type", bound=type)
Resolver = TypeVar("Resolver", bound=Callable[..., Any])


@strawberry.schema_directive(
    name="requires",
    locations=[Location.OBJECT, Location.FIELD_DEFINITION],
    description="The permission that a type asks for, and a field where it differs from its type.",
)
class Permission:
    """`@requires(action:)` in the schema file; it informs, `Requires` decides."""

    action: str


class Requires(BasePermission):
    """May the caller ever do this action, to anything?

    A plain `def`: an awaitable one would make every leaf a coroutine.
    """

    needs_no_row = True

    def __init__(self, action: Action) -> None:
        self.action = action

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:
        if not may_ever(info.context.principal, self.action):
            raise ForbiddenField(self.action, refusal(info.context.principal, self.action))
        return True


def requires(action: Action) -> PermissionExtension:
    """The extension that puts gate 1 in front of a field."""
    return PermissionExtension([_gate(action)], use_directives=False)


@cache
def _gate(action: Action) -> Requires:
    """One for all fields, so that the engine asks once for each action and operation."""
    return Requires(action)


def action_of(field: StrawberryField) -> Action | None:
    """The action that a field requires, None where it carries no gate."""
    for extension in field.extensions:
        for permission in getattr(extension, "permissions", ()):
            if isinstance(permission, Requires):
                return permission.action
    return None


def guarded(action: Action, *, but: tuple[str, ...] = ()) -> Callable[[Type], Type]:
    """Gives the action to a type and to each of its fields that names no other, `but` for those open to everybody."""

    def guard(cls: Type) -> Type:
        definition: StrawberryObjectDefinition = cls.__strawberry_definition__  # type: ignore[attr-defined]
        definition.directives = [*(definition.directives or ()), Permission(action=action)]
        for field in definition.fields:
            own = action_of(field)
            if own is None and field.python_name not in but:
                field.extensions.append(requires(action))
            elif own is not None and own is not action:
                field.directives.append(Permission(action=own))
        return cls

    return guard


def field(action: Action | None = None, description: str | None = None) -> Callable[[Resolver], Resolver]:
    """A field with a resolver; `action` where it differs from its type's."""
    made: Callable[[Resolver], Resolver] = strawberry.field(
        description=description, extensions=[requires(action)] if action else []
    )
    return made


def answers(resolver: Callable[..., Any], action: Action | None, description: str | None = None) -> Any:
    """A line of the table of contents: a root field, what answers it, its permission; None admits all signed in."""
    return strawberry.field(
        resolver=resolver,
        description=description or first_sentence(resolver),
        extensions=[requires(action)] if action else [],
        directives=[Permission(action=action)] if action else [],
    )


def first_sentence(function: Callable[..., Any]) -> str | None:
    """The first paragraph of a docstring, in one line."""
    text = (function.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(text.split()) or None
