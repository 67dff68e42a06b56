"""API clients that were ended: of a thousand requests begun after the answer, none is allowed (S66, model 4.10).

By key, by token, and by an identity that the edge has let in before; requests run while the client ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from joserfc.jwk import ECKey
from starlette.requests import HTTPConnection

from accord.access.decision import Allow, decide
from accord.access.facts import Target
from accord.access.permissions import Action
from accord.access.principal import Identity
from accord.database.engine import Transaction
from accord.domain.errors import DomainError
from accord.domain.organisation import OrganisationStatus
from accord.http.authentication import Authenticator
from accord.http.failures import Failures
from accord.http.identity.client_tokens import ClientTokens
from accord.http.identity.clients import ApiClients
from accord.http.identity.tokens import TokenChecker
from accord.http.responses import HttpError
from accord.schema.context import Context, Support
from accord.schema.schema import schema
from accord.services.api_client import MadeClient, revoke_api_client
from accord.services.partnerships.status import set_organisation_status
from accord.services.people.member import deactivate_member, remove_member
from tests.scale import count
from tests.services.clients import as_client, make_client
from tests.services.scene import Scene, Signer, set_scene
from tests.world import World

REQUESTS: Final = count(test=60, check=200, prove=1_000)
AT_ONCE: Final = 8
READ: Final = "query($id: ID!) { organisation(id: $id) { partnerships { totalCount } } }"


@dataclass
class Machine:
    """A client of Arne, and the requests that it makes."""

    scene: Scene
    made: MadeClient
    door: Authenticator
    token: str

    async def by_key(self) -> bool:
        return await self.reads(await self.let_in(self.made.secret))

    async def by_token(self) -> bool:
        return await self.reads(await self.let_in(self.token))

    async def let_in_before(self) -> bool:
        return await self.reads(as_client(self.made, self.scene.host.id))

    async def writes(self) -> bool:
        """Does a write still begin, with the right to change something?"""

        async def act(tx: Transaction) -> bool:
            target = Target(organisation_id=self.scene.host.id)
            return isinstance(decide(tx.principal, Action.SETTINGS_UPDATE, target, now=tx.now), Allow)

        try:
            identity = as_client(self.made, self.scene.host.id)
            return await self.scene.world.database.write(identity, self.scene.host.id, act)
        except DomainError:
            return False

    async def let_in(self, bearer: str) -> Identity | None:
        headers = [(b"authorization", f"Bearer {bearer}".encode())]
        try:
            return await self.door.identify(HTTPConnection({"type": "http", "headers": headers, "client": None}))
        except HttpError as refused:
            if refused.status != 401:
                raise
            return None

    async def reads(self, identity: Identity | None) -> bool:
        if identity is None:
            return False
        context = Context(self.scene.world.database, identity, Support("x", "help@vendor.example"), Signer())
        given = {"id": f"organisation_{self.scene.host.id}"}
        answer = await schema.execute(READ, variable_values=given, context_value=context)
        shown = answer.data and answer.data["organisation"]
        return bool(shown and shown["partnerships"])


ASKED: Final[tuple[Callable[[Machine], Awaitable[bool]], ...]] = (
    Machine.by_key,
    Machine.by_token,
    Machine.let_in_before,
    Machine.writes,
)


def of_arne(service: Any) -> Callable[[Machine], Awaitable[Any]]:
    return lambda machine: machine.scene.act("ada", service, membership_id=machine.scene["arne"].membership_id)


ENDS: Final[dict[str, Callable[[Machine], Awaitable[Any]]]] = {
    "revoked": lambda machine: machine.scene.act("ada", revoke_api_client, api_client_id=machine.made.id),
    "owner deactivated": of_arne(deactivate_member),
    "owner removed": of_arne(remove_member),
    "organisation suspended": lambda machine: machine.scene.world.operate(
        set_organisation_status, organisation_id=machine.scene.host.id, status=OrganisationStatus.SUSPENDED
    ),
    "organisation closed": lambda machine: machine.scene.world.operate(
        set_organisation_status, organisation_id=machine.scene.host.id, status=OrganisationStatus.CLOSED
    ),
}


@pytest.fixture
async def machine(world: World) -> Machine:
    scene = await set_scene(world)
    made = await make_client(scene, "arne")
    key = ECKey.generate_key("P-256", {"kid": "one"})
    tokens = ClientTokens(key, "https://accord.example", world.clock)
    clients = ApiClients(world.database, tokens, Failures(world.database, 1_000_000))
    row = await scene.row("api_clients", made.id)
    return Machine(scene, made, Authenticator(TokenChecker({}), clients=clients), tokens.sign(made.id, row["scopes"]))


@pytest.mark.parametrize("end", ENDS)
async def test_no_request_begun_after_the_answer_is_allowed(machine: Machine, end: str) -> None:
    assert all([await asked(machine) for asked in ASKED]), "allowed before"
    over = asyncio.Event()

    async def hammer(turn: int) -> None:
        while not over.is_set():
            await ASKED[turn % len(ASKED)](machine)
            turn += 1

    running = [asyncio.create_task(hammer(first)) for first in range(AT_ONCE)]
    await ENDS[end](machine)
    waiting = iter(range(REQUESTS))

    async def send() -> int:
        return sum([await ASKED[turn % len(ASKED)](machine) for turn in waiting])

    allowed = sum(await asyncio.gather(*(send() for _ in range(AT_ONCE))))
    over.set()
    await asyncio.gather(*running)
    assert allowed == 0


async def test_without_the_end_requests_are_allowed(machine: Machine) -> None:
    """The negative control: the count counts."""
    assert sum([await ASKED[turn % len(ASKED)](machine) for turn in range(8)]) == 8
