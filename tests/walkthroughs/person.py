"""Somebody with a GraphQL client: asks, acts, and is refused."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self

from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from graphql import parse

from tests.walkthroughs.served import BROWSER, Server

REFUSAL = """
fragment Refusal on MutationError {
  __typename code message path
  ... on Forbidden { action condition hint }
  ... on InvalidState { state: current allowed }
  ... on Conflict { version current }
  ... on ValidationError { field }
  ... on CeilingExceeded { ceiling }
  ... on PrerequisiteMissing { prerequisite supportContact { name email } }
  ... on OrganisationContextMismatch { expected actual }
  ... on RateLimited { retryAfter }
}
"""
NAMELESS = {
    "acceptMembership", "acceptContact", "updateProfile", "markNotificationsRead", "switchOrganisation",
    "leaveOrganisation", "createOrganisation", "publishTerms", "linkPartner", "endPartnerLink", "issueInvoice",
    "voidInvoice",
}  # fmt: skip
"""Mutations in nobody's name: those on oneself and the operator's."""
ITEMS = {
    "shareAccounts": "share { id version state account { id }"
    " grants { edges { node { id version role state user { id } } } } }",
    "requestAccess": "item { id version state role member { id } }",
    "addRoleGroupMembers": "user { id }",
    "removeRoleGroupMembers": "user { id }",
    "decideAccessRequests": "item { id version state decidedBy { id } decisionNote } grant { id version role state }",
}
"""Mutations with a result per item."""


parsed = lru_cache(parse)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: data and errors side by side."""

    data: dict[str, Any]
    errors: list[dict[str, Any]]

    @property
    def codes(self) -> list[str]:
        return [str(error["extensions"]["code"]) for error in self.errors]


def value_at(data: Any, path: list[str | int]) -> Any:
    """What stands at this path, None where a null stands above it; a request that was refused whole has nothing."""
    for step in path:
        if not data:
            return None
        data = data[step]
    return data if path else None


@dataclass(slots=True)
class Person:
    """One signed-in person; `organisation` is the one in whose name this person acts unless told otherwise.

    `session` is the acting session of the header; empty: at home.
    """

    server: Server
    email: str
    name: str
    organisation: str | None = None
    user: str = ""
    membership: str = ""
    agent: str = BROWSER
    session: str = ""
    _token: str = field(default="", repr=False)

    @property
    def token(self) -> str:
        if not self._token:
            self._token = self.server.token(self.email)
        return self._token

    @property
    def headers(self) -> dict[str, str]:
        acting = {"accord-acting-session": self.session} if self.session else {}
        return {"authorization": f"Bearer {self.token}", "user-agent": self.agent} | acting

    def within(self, organisation: str, session: str) -> Self:
        """The same person in another tab, whose requests carry this acting session."""
        return replace(self, organisation=organisation, session=session, _token=self.token)

    def look(self, document: str, **variables: object) -> Answer:
        """Run an operation and take what comes, refusals included."""
        transport = AIOHTTPTransport(f"{self.server.url}/graphql", headers=self.headers)
        request = GraphQLRequest(parsed(document), variable_values=variables)
        client = Client(transport=transport, execute_timeout=30)
        try:
            return Answer(self.server.runner.run(client.execute_async(request)), [])
        except TransportQueryError as refused:
            return Answer(refused.data or {}, refused.errors or [])

    def ask(self, document: str, **variables: object) -> dict[str, Any]:
        """Run a query that has to be answered in full."""
        answer = self.look(document, **variables)
        assert not answer.errors, f"{self.name} asked {document}: {answer.errors}"
        return answer.data

    def denied(self, document: str, **variables: object) -> list[str]:
        """The codes of a query whose guarded fields are refused; each has a null at its path."""
        answer = self.look(document, **variables)
        assert answer.errors, f"{self.name} was answered: {answer.data}"
        for error in answer.errors:
            assert value_at(answer.data, error.get("path") or []) is None, error
        return answer.codes

    def send(self, mutation: str, returning: str, given: dict[str, object]) -> Answer:
        """Call one mutation with its one `input`."""
        if self.organisation and mutation not in NAMELESS:
            given = {"organisationId": self.organisation} | given
        if mutation in ITEMS:
            returning = f"{returning} results {{ {ITEMS[mutation]} error {{ ...Refusal }} }}"
        kind = mutation[0].upper() + mutation[1:]
        document = f"""
            mutation Act($input: {kind}Input!) {{
              {mutation}(input: $input) {{ {returning} errors {{ ...Refusal }} }}
            }} {REFUSAL}
        """
        return self.look(document, input=given)

    def does(self, mutation: str, returning: str = "", /, **given: object) -> dict[str, Any]:
        """The payload of a mutation that has to succeed (its `errors` are empty: the success message)."""
        self.server.acts += 1
        answer = self.send(mutation, returning, given)
        assert not answer.errors, f"{self.name}: {mutation}({given}) -> {answer.errors}"
        payload: dict[str, Any] = answer.data[mutation]
        items = [result["error"] for result in payload.get("results") or []]
        failed = payload["errors"] or [error for error in items if error]
        assert not failed, f"{self.name}: {mutation}({given}) -> {failed}"
        return payload

    def tries(self, mutation: str, /, **given: object) -> dict[str, Any]:
        """The refusal of a mutation that has to fail: at gate 1 (null and one error) or in its payload."""
        answer = self.send(mutation, "", given)
        if answer.errors:
            error = answer.errors[0]
            assert not (answer.data or {}).get(mutation), answer
            return {"code": error["extensions"]["code"], "message": error["message"], "extensions": error["extensions"]}
        payload = answer.data[mutation]
        refusals = payload["errors"] or [result["error"] for result in payload.get("results") or []]
        assert any(refusals), f"{self.name}: {mutation}({given}) went through: {payload}"
        assert all(refusals), f"{self.name}: {mutation}({given}) went through in part: {payload}"
        first: dict[str, Any] = refusals[0]
        return first
