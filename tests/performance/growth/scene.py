"""Who asks in the growth benchmark, and how a request of theirs is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import orjson

from accord.http.identity.development import DevelopmentIssuer
from tests.performance.growth.tenants import DIRECTORY_TOKEN, Grown, Named
from tests.performance.peers import PUBLIC

OPERATOR: Final = "ops@vendor.example"
"""The address of the platform's staff, which a gateway of this benchmark knows as an operator."""

SWITCH: Final = """
mutation Switch($input: SwitchOrganisationInput!) {
  switchOrganisation(input: $input) { session { id } errors { message } }
}
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks, and what the screens are opened for: names of `tenants.sql`."""

    subject: str
    organisation: str
    partnership: str
    account: str
    acts: bool = False


PEOPLE: Final[Mapping[str, Person]] = {
    "host admin": Person("p1@brand0.example", "brand-0", "brand-2", "hot-0:1"),
    "partnership owner": Person("p3@brand0.example", "brand-0", "brand-1", "pool-0:5"),
    "host member": Person("p5@brand0.example", "brand-0", "brand-1", "pool-0:5"),
    "guest admin": Person("p1@provider0.example", "provider-0", "provider-1", "customer-1:1"),
    "representative": Person("p3@provider0.example", "provider-0", "provider-1", "customer-1:1"),
    "guest member": Person("p5@dealer0.example", "dealer-0", "dealer-0", "dealt-0:1"),
    "contact": Person("p2@customer1.example", "customer-1", "provider-1", "customer-1:1"),
    "dealer's admin": Person("p1@dealer0.example", "dealer-0", "dealer-0", "dealt-0:1"),
    "crowd's admin": Person("p1@crowd0.example", "crowd-0", "crowd-0", "hot-0:1"),
    "technician who acts": Person("p4@provider0.example", "customer-1", "provider-1", "customer-1:1", acts=True),
}
"""The kinds of person: at a host with N partnerships an admin, the owner of half of them who is no admin, and somebody
with nothing; at a guest of N customers an admin and the representative, who is a delegated admin; one of a few people
with 2N/5 grants under one partnership of N shares, and their admin; an external contact of elsewhere; an admin among
10 N people; and somebody who acts at a customer."""

OTHERS: Final[Mapping[str, str]] = {
    "host admin who shares nothing": "p2@brand0.example",
    "owner of accounts": "p4@brand0.example",
    "guest's plain member": "p63@provider0.example",
    "distributor's admin": "p1@distributor0.example",
    "stranger": "p2@reseller1.example",
}
"""Askers of lists alone."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; a body is sent as JSON."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """What is measured. A page costs the same at each size; what is `things` large costs in proportion to them."""

    name: str
    asker: str
    request: Request
    things: int = 0

    @property
    def key(self) -> str:
        """The name and who asks."""
        return f"{self.name} ({self.asker})"


@dataclass(frozen=True)
class Scene:
    """One data set with a gateway on it, and how its people ask there."""

    grown: Grown
    named: Named
    state: Path
    until: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    sessions: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def since(self) -> datetime:
        """The beginning of the 30 days that are asked for."""
        return self.until - timedelta(days=30)

    def subject(self, asker: str) -> str:
        """Return whom the token of this asker names."""
        return PEOPLE[asker].subject if asker in PEOPLE else OTHERS.get(asker, OPERATOR)

    def headers(self, asker: str) -> dict[str, str]:
        """Return the headers of this asker's requests."""
        token = DIRECTORY_TOKEN if asker == "directory" else self.token(self.subject(asker))
        session = {"accord-acting-session": self.sessions[asker]} if asker in self.sessions else {}
        return {"authorization": f"Bearer {token}", **session}

    def token(self, subject: str) -> str:
        """Return the one token of this person, of the issuer that the gateway trusts."""
        if subject not in self.tokens:
            self.tokens[subject] = DevelopmentIssuer(PUBLIC, self.state).token(subject)
        return self.tokens[subject]

    def graphql(self, name: str, asker: str, document: str, **variables: Any) -> Operation:
        """Return an operation of the API."""
        body = {"query": document, "variables": variables}
        return Operation(name, asker, Request("POST", "/graphql", self.headers(asker), body))

    async def sign_in(self, http: httpx2.AsyncClient) -> None:
        """Let everybody ask once, as a token's first use is an event, and open the sessions of those who act."""
        for name in (*PEOPLE, *OTHERS, "operator"):
            await said(
                http,
                self.graphql("first", name, "query First { supportContact { name } viewer { user { id } } }").request,
            )
            if name in PEOPLE and (person := PEOPLE[name]).acts:
                given = {
                    "hostId": self.named(f"organisation:{person.organisation}"),
                    "basis": "LEVEL",
                    "reason": "A call",
                }
                body = await said(http, self.graphql("switch", name, SWITCH, input=given).request)
                self.sessions[name] = body["data"]["switchOrganisation"]["session"]["id"]


async def said(http: httpx2.AsyncClient, request: Request) -> Any:
    """Return the JSON of one answer."""
    answer = await http.request(request.method, request.path, headers=dict(request.headers), json=request.body)
    return orjson.loads(answer.content)
