"""One person per column of the matrix (model 4.6), around one partnership, one account, one share and one grant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from accord.access.facts import AccessItemFacts, AccountFacts, GrantFacts, PartnershipFacts, ShareFacts, Target
from accord.access.principal import Acting, Client, Directory, Identity, Principal, Standing
from accord.domain.acting import Basis
from accord.domain.delegation import DelegatedRole
from accord.domain.level import DataAccessLevel
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccessItemState, AccountRole, GrantState, ShareState

NOW: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOST, GUEST, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)
ROLES: Final = {
    "HA": (HOST, Role.ORG_ADMIN),  # host admin
    "LR": (HOST, Role.LEGAL_REPRESENTATIVE),
    "HD": (HOST, Role.DECISION_MAKER),  # counts as LR
    "PO": (HOST, Role.MEMBER),  # partnership owner
    "CO": (HOST, Role.MEMBER),  # co-owner
    "PA": (HOST, Role.MEMBER),  # co-owner who also owns the account
    "AO": (HOST, Role.MEMBER),  # account owner
    "RQ": (HOST, Role.MEMBER),  # who asked for the partnership
    "HM": (HOST, Role.MEMBER),
    "HP": (HOST, Role.PHONE_MANAGER),  # a host member like any other, but for telephony
    "AU": (HOST, Role.AUDITOR),
    "GA": (GUEST, Role.ORG_ADMIN),
    "GR": (GUEST, Role.MEMBER),  # representative
    "GL": (GUEST, Role.LEGAL_REPRESENTATIVE),  # a role that means nothing on the guest's side
    "AM": (GUEST, Role.MEMBER),  # holder of an Account Manager's grant
    "CL": (GUEST, Role.MEMBER),  # holder of a Collaborator's grant
    "GM": (GUEST, Role.MEMBER),
    "GD": (GUEST, Role.MEMBER),  # delegated admin
    "GX": (GUEST, Role.AUDITOR),
    "TA": (THIRD, Role.ORG_ADMIN),  # admin of an organisation that has nothing to do with it
}
COLUMNS: Final = (*ROLES, "OP")
SESSIONS: Final = {
    # people of the guest who act in the host's organisation, by what their session rests on (model 4.8)
    "XN": {"basis": Basis.LEVEL, "level": DataAccessLevel.NONE},
    "XS": {"basis": Basis.LEVEL, "level": DataAccessLevel.SUPPORT},
    "XU": {"basis": Basis.LEVEL, "level": DataAccessLevel.SUPPORT, "complete": True, "wallet": True},
    "XM": {"basis": Basis.LEVEL, "level": DataAccessLevel.MANAGE},
    "XW": {"basis": Basis.LEVEL, "level": DataAccessLevel.MANAGE, "wallet": True},  # the wallet, but not COMPLETE
    "XC": {"basis": Basis.LEVEL, "level": DataAccessLevel.MANAGE, "complete": True},
    "XB": {"basis": Basis.LEVEL, "level": DataAccessLevel.MANAGE, "complete": True, "wallet": True},
    "XD": {"basis": Basis.ROLE_GROUP, "role_key": DelegatedRole.DECISION_MAKER},
    "XP": {"basis": Basis.ROLE_GROUP, "role_key": DelegatedRole.PHONE_MANAGER},
    "XE": {"basis": Basis.CONTACT, "role_key": DelegatedRole.DECISION_MAKER},  # an external contact
}
PERSON: Final = {name: UUID(int=100 + number) for number, name in enumerate((*COLUMNS, *SESSIONS))}
HOLDERS: Final = {"AM": AccountRole.ACCOUNT_MANAGER, "CL": AccountRole.COLLABORATOR}


def identity(name: str, *, operator: bool = False) -> Identity:
    return Identity(
        "https://issuer.example", name, None, False, name, True, name, NOW + timedelta(days=1), Client(), operator
    )


def principal(name: str, *roles: Role) -> Principal:
    """The person of a column; `roles` replace those that the column has."""
    if name == "OP":
        return Principal(identity(name, operator=True), PERSON[name], name, None)
    organisation, role = ROLES[name]
    standing = Standing(UUID(int=200), organisation, frozenset(roles or {role}), delegated_admin=name == "GD")
    return Principal(identity(name), PERSON[name], name, organisation, (standing,))


def acting(name: str, host: UUID = HOST) -> Principal:
    """The person of a column of sessions; no membership counts meanwhile."""
    session = Acting(UUID(int=300), host, GUEST, UUID(int=301), **SESSIONS[name])  # type: ignore[arg-type]
    return Principal(identity(name), PERSON[name], name, GUEST, (), session)


def directory(organisation: UUID = HOST) -> Principal:
    """The directory of an organisation, which is no person."""
    return Principal(identity("DI"), None, "DI", None, directory=Directory(UUID(int=400), organisation))


PARTNERSHIP: Final = PartnershipFacts(
    host_id=HOST,
    guest_id=GUEST,
    state=PartnershipState.ACTIVE,
    owner_id=PERSON["PO"],
    co_owner_ids=frozenset({PERSON["CO"], PERSON["PA"]}),
    requester_id=PERSON["RQ"],
    representative_id=PERSON["GR"],
    starts_at=NOW - timedelta(days=1),
    expires_at=NOW + timedelta(days=1),
)
ACCOUNT: Final = AccountFacts(HOST, frozenset({PERSON["AO"], PERSON["PA"]}))
SHARE: Final = ShareFacts(ShareState.ACTIVE, NOW + timedelta(days=1))
ITEM: Final = AccessItemFacts(PERSON["AM"], PERSON["GM"], AccessItemState.PENDING)
TARGET: Final = Target(partnership=PARTNERSHIP, account=ACCOUNT, share=SHARE, item=ITEM)


def grant_of(name: str, role: AccountRole | None = None) -> GrantFacts:
    """A live grant of this person."""
    return GrantFacts(PERSON[name], role or HOLDERS[name], GrantState.ACTIVE, NOW + timedelta(days=1))


def target_of(name: str, *, organisation_id: UUID | None = None) -> Target:
    """What an act of this person is about: the own grant is part of it where there is one."""
    own = grant_of(name) if name in HOLDERS else grant_of("CL")
    return replace(TARGET, grant=own, organisation_id=organisation_id)
