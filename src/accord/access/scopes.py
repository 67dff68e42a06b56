"""Scopes: what an API client may do of what its owner may, as actions; a bundle stands for the actions of one noun."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from accord.access.permissions import CLIENTS_READ, CLIENTS_WRITE, Action
from accord.domain.errors import ValidationError

GRANTABLE: Final = CLIENTS_READ | CLIENTS_WRITE


def _bundles() -> dict[str, frozenset[Action]]:
    found: dict[str, set[Action]] = {}
    for verb, actions in (("read", CLIENTS_READ), ("write", CLIENTS_WRITE)):
        for action in actions:
            found.setdefault(f"{action.partition(':')[0]}:{verb}", set()).add(action)
    return {name: frozenset(actions) for name, actions in found.items()}


BUNDLES: Final = _bundles()
"""`noun:read` and `noun:write`: every action of the noun that a scope can name, as `partnership:read`."""


def actions_of(field: str, scopes: Iterable[str]) -> frozenset[Action]:
    """The actions that these scopes name; ValidationError for a word that is none, or that no client may ever have.

    A bundle stands for its actions of today: what is kept are actions, so that a later one widens no client.
    """
    found = set[Action]()
    for scope in scopes:
        if scope in BUNDLES:
            found |= BUNDLES[scope]
        elif scope in GRANTABLE:
            found.add(Action(scope))
        elif scope in frozenset(Action):
            raise ValidationError(field, f"No API client may do this: {scope}.")
        else:
            raise ValidationError(field, "A scope is an action such as partnership:suspend, or all of a noun's reads.")
    return frozenset(found)


def kept(scopes: Iterable[str]) -> frozenset[Action]:
    """The actions of stored scopes, without what no client may have any more."""
    return frozenset(action for action in GRANTABLE if action in set(scopes))
