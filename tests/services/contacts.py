"""External contacts in tests: who is invited, the token of the mail, and what stands."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from accord.database.engine import Query
from accord.database.personal import is_live_contact, may_use_level
from accord.database.tables.contact import external_contacts
from accord.database.tables.partnership import partnerships
from accord.domain.delegation import DelegatedRole
from accord.services.grants.contact import accept_contact, add_external_contact
from tests.services.scene import Scene
from tests.world import Person

D, P = DelegatedRole.DECISION_MAKER, DelegatedRole.PHONE_MANAGER
PAT = "pat@consult.example"
LIVE = Query(
    select(external_contacts.c.id).where(external_contacts.c.id == bindparam("wanted", type_=Uuid()), is_live_contact())
)
USERS = Query(select(partnerships.c.id).where(partnerships.c.id == bindparam("wanted", type_=Uuid()), may_use_level()))


async def invite(scene: Scene, *roles: DelegatedRole, by: str = "ada", email: str = PAT) -> UUID:
    """Somebody of the host names a contact."""
    key: UUID = await scene.act(by, add_external_contact, email=email, roles=roles or (D,))
    return key


async def token_of(scene: Scene, email: str = PAT) -> str:
    """The token in the newest mail to this address."""
    sql = "SELECT secret FROM accord.mails WHERE template = 'contact_invited' AND address = $1 ORDER BY id DESC LIMIT 1"
    token: str = await scene.world.owner.fetchval(sql, email)
    return token


async def follow(scene: Scene, person: Person, token: str) -> UUID:
    """Follow the link, signed in as somebody."""
    identity = await scene.world.vouched(person.identity, token)
    key = await scene.world.database.write(identity, None, lambda tx: accept_contact(tx, token=token))
    assert key is not None
    return key


async def make_contact(scene: Scene, name: str, *roles: DelegatedRole, by: str = "ada") -> UUID:
    """Somebody becomes a contact of the host."""
    email = scene[name].email
    await invite(scene, *roles, by=by, email=email)
    return await follow(scene, scene[name], await token_of(scene, email))


async def stands(scene: Scene, name: str, key: UUID, query: Query = LIVE) -> bool:
    """Does the predicate hold for this row, as this person reads it now?"""
    snapshot = scene.world.database.snapshot(scene[name].identity)
    try:
        return bool(await snapshot.fetch(query, wanted=key))
    finally:
        await snapshot.close()


async def contact(scene: Scene, key: UUID) -> Any:
    """The row as it stands."""
    return await scene.row("external_contacts", key)
