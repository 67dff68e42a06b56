"""The stage of the acts of this folder: one copy of everything for each act, and what its people do there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from uuid import UUID

from tests.races.copies import Copy, Original
from tests.services.scene import Scene
from tests.world import STAFF, Person, World, identify

NEW: Final = "new"


@dataclass(frozen=True, slots=True)
class Stage:
    """The rows of everything, and the keys and people by name."""

    original: Original
    world: World
    scene: Scene
    keys: dict[str, UUID]


@dataclass(frozen=True, slots=True)
class Take:
    """One copy; `actor` plays every part in it where it is named."""

    stage: Stage
    copy: Copy
    actor: str | None = None

    def key(self, name: str) -> UUID:
        keys, people = self.stage.keys, self.stage.scene.people
        return self.copy.key(keys[name] if name in keys else people[name].id)

    def person(self, name: str) -> Person:
        return self.copy.person(self.stage.scene[name])

    async def act(self, name: str, service: Any, /, **given: Any) -> Any:
        return await self.stage.world.act(self.person(self.actor or name), service, **given)

    async def on(self, name: str, service: Any, partner: str = "partnership", **given: Any) -> Any:
        """An act on a partnership, on the version that stands."""
        key = self.key(partner)
        version = await self.stage.world.version("partnerships", key)
        return await self.act(name, service, partnership_id=key, expected_version=version, **given)

    async def run(self, name: str, service: Any, /, **given: Any) -> Any:
        """An act on oneself, or of the platform's staff: it names no organisation."""
        identity = STAFF if name == "staff" else identify(name) if "@" in name else self.person(name).identity
        if self.actor:
            identity = self.person(self.actor).identity
        return await self.stage.world.database.write(identity, None, lambda tx: service(tx, **given))


Events: TypeAlias = dict[str, list[str]]
Call: TypeAlias = Callable[[Take], Awaitable[Any]]


def both(*types: str) -> Events:
    """The same in the streams of both sides."""
    return {"host": list(types), "guest": list(types)}


def membership(take: Take, name: str) -> UUID:
    return take.copy.key(take.stage.scene[name].membership_id)
