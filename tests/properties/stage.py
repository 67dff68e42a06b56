"""Where the machine plays: one database and one event loop for all sequences, new organisations for each."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Coroutine, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from strawberry.extensions import ParserCache, ValidationCache

from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.schema.context import Context, Support
from accord.schema.schema import build_schema
from tests.properties.projection import Tables
from tests.world import STAFF, Organisation, Person, World

Result = TypeVar("Result")
A, L, D = Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE, Role.DECISION_MAKER
PEOPLE: Final[Mapping[str, Mapping[str, tuple[Role, ...]]]] = {
    "alder": {"ada": (A, L), "abe": (A,), "ann": (D,), "amy": (), "art": (), "asa": ()},
    "birch": {"bea": (A, L), "bob": (A,), "ben": (), "bix": (), "bud": ()},
    "cedar": {"cat": (A,), "cal": (A,), "cid": (), "coy": (Role.AUDITOR,)},
}
"""Three organisations; in each the first is the longest-standing."""
ELSEWHERE: Final = {"art": ("birch", (A,))}
"""People who belong to a second organisation."""
ACCOUNTS: Final = {"desk": "asa", "till": "bea", "barn": "cal"}
"""Accounts that are there from the beginning, and who owns them."""
WITHOUT_MFA: Final = {"bix"}
SELECTIONS: Final = {
    "shareAccounts": "results { error { code } }",
    "requestAccess": "results { error { code } }",
    "decideAccessRequests": "results { error { code } }",
    "addRoleGroupMembers": "results { error { code } }",
    "removeRoleGroupMembers": "results { error { code } }",
    "signInToAccount": "ticket",
}
GATE: Final = "FORBIDDEN AT THE FIELD"
SUPPORT: Final = Support("Support", "help@vendor.example")
ACTING: Final = "{ viewer { actingSession { id } organisation { id } } }"
SHARED: Final = "{ viewer { sharedAccounts(first: 100) { totalCount edges { node { label } } } } }"
LEVEL: Final = "query($id: ID!) { partnership(id: $id) { dataAccess { ceiling granted effective } } }"


schema = build_schema((ParserCache, ValidationCache))


class Signer:
    """Signs nothing: whether a ticket is given is all that is asked."""

    def sign(self, **claims: Any) -> str:
        return str(claims["jti"])


class Stage:
    """Calls the product as its people, and reads its tables as their owner."""

    def __init__(self, world: World, runner: asyncio.Runner) -> None:
        self.world = world
        self.runner = runner
        self.start = world.clock.now
        self.terms = self.run(world.terms())
        self.people: dict[str, Person] = {}
        self.organisations: dict[str, Organisation] = {}
        self.names: dict[UUID, str] = {}

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(coroutine)

    def reset(self) -> None:
        """New organisations and people, at the time when the world began."""
        self.world.clock.now = self.start
        self.run(self._fill())

    async def _fill(self) -> None:
        self.people, self.organisations, self.names = {}, {}, {}
        for name, people in PEOPLE.items():
            made = await self.world.organisation(name)
            self.organisations[name], self.names[made.id] = made, name
            for who, roles in people.items():
                self.world.clock.advance(minutes=1)
                person = await self.world.person(made, *roles, name=who)
                if who in WITHOUT_MFA:
                    person = dataclasses.replace(person, identity=dataclasses.replace(person.identity, mfa=False))
                self.people[who], self.names[person.id] = person, who
        for label, owner in ACCOUNTS.items():
            await self.world.account(self.people[owner], label=label)
        for who, (where, roles) in ELSEWHERE.items():
            self.world.clock.advance(minutes=1)
            await self.world.join(self.people[who], self.organisations[where], *roles)

    def read(self) -> Tables:
        """Everything that stands, in one statement."""
        scope = [organisation.id for organisation in self.organisations.values()]
        return self.run(Tables.read(self.world.owner, self.names, scope))

    def id(self, name: str) -> str:
        """The global ID of a person or an organisation."""
        if name in self.people:
            return global_id("user", self.people[name].id)
        return global_id("organisation", self.organisations[name].id)

    def ids(self, names: Iterable[str]) -> list[str]:
        return [self.id(name) for name in sorted(names)]

    def call(
        self, who: str | None, name: str, given: Mapping[str, Any], session: str | None = None
    ) -> list[str | None]:
        """The code of each item of a mutation, or of all of it; None where it was done. Nobody is the operator."""
        kind = name[0].upper() + name[1:] + "Input"
        selection = SELECTIONS.get(name, "")
        document = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ {selection} errors {{ code }} }} }}"
        data, errors = self.run(self._execute(who, document, {"input": dict(given)}, session))
        if errors:
            return [_code(errors[0])]
        answer = data[name]
        if answer["errors"]:
            return [answer["errors"][0]["code"]]
        if "results" in answer:
            return [one["error"] and one["error"]["code"] for one in answer["results"]]
        return [None]

    def shared(self, who: str) -> set[str]:
        """The accounts that `viewer.sharedAccounts` lists."""
        data, errors = self.run(self._execute(who, SHARED, {}))
        if errors:
            return set()
        page = data["viewer"]["sharedAccounts"]
        assert page["totalCount"] == len(page["edges"])
        return {edge["node"]["label"] for edge in page["edges"]}

    def level(self, who: str, partnership: str) -> Mapping[str, str] | None:
        """`dataAccess` of a partnership as somebody reads it."""
        data, errors = self.run(self._execute(who, LEVEL, {"id": partnership}))
        return None if errors else data["partnership"]["dataAccess"]

    def enter(self, who: str, session: str) -> str | None:
        """What a read with the header of a session is answered: no code, or why not."""
        data, errors = self.run(self._execute(who, ACTING, {}, session))
        if not errors:
            assert data["viewer"]["actingSession"]["id"] == f"session_{session}", data
        return _code(errors[0]) if errors else None

    async def _execute(
        self, who: str | None, document: str, variables: Mapping[str, Any], session: str | None = None
    ) -> tuple[Any, list[Any]]:
        identity = self.people[who].identity if who else STAFF
        context = Context(self.world.database, identity, SUPPORT, Signer(), UUID(session) if session else None)
        result = await schema.execute(document, variable_values=dict(variables), context_value=context)
        return result.data, list(result.errors or [])

    def advance(self, by: timedelta) -> None:
        self.world.clock.now += by


def _code(error: Any) -> str:
    code: str = error.extensions["code"]
    if code == "INTERNAL":
        raise error.original_error or error
    return GATE if code == "FORBIDDEN" else code
