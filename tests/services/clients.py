"""API clients for tests: made by somebody of a scene, and asking as the gateway lets them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from accord.access.principal import Client, ClientProof, Identity
from accord.access.scopes import GRANTABLE
from accord.services.api_client import MadeClient, create_api_client
from tests.services.scene import Scene
from tests.world import Person

EVERYTHING: Final = tuple(sorted(action.value for action in GRANTABLE))
"""Every scope that there is."""

NEVER: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""The database looks at the end of the row."""


async def make_client(
    scene: Scene, owner: str, *scopes: str, days: float = 30, organisation_id: UUID | None = None
) -> MadeClient:
    """A client of somebody at home, or in another organisation that they administer."""
    person = scene[owner]
    made: MadeClient = await scene.world.act(
        person,
        create_api_client,
        organisation_id=organisation_id or person.organisation.id,
        name=f"Sync of {owner}",
        scopes=list(scopes or EVERYTHING),
        expires_at=scene.world.clock.now + timedelta(days=days),
    )
    return made


def as_client(made: MadeClient, organisation_id: UUID) -> Identity:
    """What the edge makes of a client's secret."""
    return client_identity(made.id, organisation_id)


def client_identity(client_id: UUID, organisation_id: UUID) -> Identity:
    """The same for a client of which the key alone is known."""
    proof = ClientProof(client_id, organisation_id)
    where = Client("192.0.2.9", "nightly-sync/1.0", "")
    return Identity("accord", f"apiclient_{client_id}", None, False, "Sync", False, "", NEVER, where, api_client=proof)


def asking(owner: Person, made: MadeClient) -> Person:
    """The client in its owner's place, for `World.act`."""
    return replace(owner, identity=as_client(made, owner.organisation.id))
