"""Who asks: an identity proved by a token, and the person behind it with the rights read from the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Final
from uuid import UUID

from accord.access.permissions import EVERY_CLIENT, Action
from accord.domain.acting import Basis
from accord.domain.delegation import DelegatedRole
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role

NEVER = datetime.min.replace(tzinfo=UTC)
LEADING = frozenset({Role.ORG_ADMIN, Role.LEGAL_REPRESENTATIVE, Role.DECISION_MAKER})
"""HA and LR of the matrix: they see every partnership of their organisation (model 4.6, 4.7)."""

WORKING = frozenset(Role) - {Role.AUDITOR}
"""Roles that make a host member; whoever is an AUDITOR alone reads activity and nothing else."""


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request came from, for the activity of S88; `location` is empty without a database of places."""

    ip: str = ""
    user_agent: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class ClientProof:
    """Which API client has shown its secret, or a token of ours. `scopes`: what the token was narrowed to, None for
    all that the client has."""

    client_id: UUID
    organisation_id: UUID
    scopes: frozenset[Action] | None = None


OWN_ISSUER: Final = "accord"
"""The issuer of those whom Accord itself knows: API clients, directories, and the platform."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a verified token says: who, never what they may.

    `operator`: the deployment names this subject as staff. `speaks_for`: the organisations, by handle, for whose people
    the deployment takes the issuer's word, as far as this token says that the person is one of them; `provisions`: may
    a first sign-in make them members?
    """

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    mfa: bool
    token_id: str
    expires_at: datetime
    client: Client
    operator: bool = False
    speaks_for: frozenset[str] = frozenset()
    provisions: bool = False
    api_client: ClientProof | None = None


@dataclass(frozen=True, slots=True)
class ApiClient:
    """The API client that asks, live at this instant; its person is its owner (model 4.2)."""

    client_id: UUID
    name: str
    scopes: frozenset[Action]

    def admits(self, action: Action) -> bool:
        """Do the scopes reach this? What the owner may not do, they do not give."""
        return action in EVERY_CLIENT or action in self.scopes


@dataclass(frozen=True, slots=True)
class Standing:
    """One active membership."""

    membership_id: UUID
    organisation_id: UUID
    roles: frozenset[Role]
    delegated_admin: bool = False
    organisation_active: bool = True


@dataclass(frozen=True, slots=True)
class Acting:
    """The acting session that a request names, live at this instant, and what its basis gives (model 4.8).

    `level` on the basis of a level, `role_key` on that of a delegated or a contact's role; `complete` and `wallet` as
    the partnership says. `partnership_id` is None for a contact without one.
    """

    session_id: UUID
    host_id: UUID
    home_id: UUID
    partnership_id: UUID | None
    basis: Basis
    level: DataAccessLevel | None = None
    role_key: DelegatedRole | None = None
    complete: bool = False
    wallet: bool = False
    used_at: datetime = NEVER

    @property
    def bills(self) -> bool:
        """May the session see bills and pay them by its level? (S97, Q21)"""
        return self.level is DataAccessLevel.MANAGE and self.complete and self.wallet


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory of one organisation, known by a credential of its own and no person (S65)."""

    credential_id: UUID
    organisation_id: UUID
    organisation_active: bool = True


@dataclass(frozen=True)
class Principal:
    """The caller with the rights of this instant; `person_id` is None for somebody the platform does not know yet.

    Whoever acts in another organisation has no standings meanwhile: nothing but what the session's basis gives. An API
    client is its owner with one standing, that in the client's organisation, and no more than its scopes admit.
    """

    identity: Identity
    person_id: UUID | None
    display_name: str
    home_organisation_id: UUID | None
    standings: tuple[Standing, ...] = ()
    acting: Acting | None = None
    directory: Directory | None = None
    api_client: ApiClient | None = None

    @property
    def operator(self) -> bool:
        """Is this a person of the platform's staff, and not acting somewhere? (model 4.3)"""
        return self.identity.operator and self.acting is None and self.api_client is None

    def admits(self, action: Action) -> bool:
        """Is this within the scopes of the API client that asks? People have none, and are bound by none."""
        return self.api_client is None or self.api_client.admits(action)

    @cached_property
    def in_active_organisations(self) -> Principal:
        """The caller without what suspended and closed organisations give; most callers are that themselves."""
        directory = self.directory
        standings = tuple(standing for standing in self.standings if standing.organisation_active)
        inactive = directory is not None and not directory.organisation_active
        if len(standings) == len(self.standings) and not inactive:
            return self
        return replace(self, standings=standings, directory=None if inactive else directory)

    @cached_property
    def organisations(self) -> frozenset[UUID]:
        """The organisations where the person is an active member."""
        return frozenset(standing.organisation_id for standing in self.standings)

    @cached_property
    def acts_for(self) -> frozenset[UUID]:
        """In whose name the person can act: those organisations, in a session the one acted in alone."""
        return self.organisations if self.acting is None else frozenset({self.acting.host_id})

    @cached_property
    def admin_of(self) -> frozenset[UUID]:
        """Where the person is ORG_ADMIN."""
        return self._where(frozenset({Role.ORG_ADMIN}))

    @cached_property
    def leads(self) -> frozenset[UUID]:
        """Where the person is admin, legal representative or Decision Maker."""
        return self._where(LEADING)

    @cached_property
    def legal_in(self) -> frozenset[UUID]:
        """Where the person is LEGAL_REPRESENTATIVE."""
        return self._where(frozenset({Role.LEGAL_REPRESENTATIVE}))

    @cached_property
    def works_in(self) -> frozenset[UUID]:
        """Where the person is more than an auditor."""
        return self._where(WORKING)

    @cached_property
    def delegated_in(self) -> frozenset[UUID]:
        """Where the person may use levels in the organisation's name (S7)."""
        return frozenset(s.organisation_id for s in self.standings if s.delegated_admin and s.roles & WORKING)

    @cached_property
    def audits(self) -> frozenset[UUID]:
        """Where the person is AUDITOR."""
        return self._where(frozenset({Role.AUDITOR}))

    def roles_in(self, organisation_id: UUID | None) -> frozenset[Role]:
        """The roles held in one organisation, empty for a stranger."""
        return next((s.roles for s in self.standings if s.organisation_id == organisation_id), frozenset())

    def standing_in(self, organisation_id: UUID) -> Standing | None:
        """The active membership in one organisation."""
        return next((s for s in self.standings if s.organisation_id == organisation_id), None)

    def _where(self, roles: frozenset[Role]) -> frozenset[UUID]:
        return frozenset(standing.organisation_id for standing in self.standings if standing.roles & roles)
