"""Writes that no service makes, tried with the gateway's role as people who could gain by them: the database refuses.

Each is what a flaw in a service, or a statement of somebody else's, could try. The own side's acts, next to them, go
through: what refuses is the rule and not a mistake in the statement.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from accord.database.engine import Database, Transaction
from accord.services.grants.contact import remove_external_contact
from accord.services.people.member import deactivate_member
from tests.servers import DatabaseURLs
from tests.services.contacts import P, make_contact
from tests.services.scene import Scene, set_scene
from tests.world import World, identify, open_world

WHOLE_SHARE = "share_id, partnership_id, account_id, host_id, guest_id"


@dataclass
class Stage:
    """A scene with a share and a second account, a second guest, and one who left."""

    scene: Scene
    names: dict[str, Any]

    async def attempt(self, who: str, statement: str, home: bool = True) -> str:
        """What PostgreSQL says to the statement, sent in a transaction as somebody; nothing of it stays."""
        person = self.scene[who]
        organisation = person.organisation.id if home else None
        async with self.scene.world.database.transaction(person.identity, organisation) as tx:
            return await self._tried(tx, statement)

    async def _tried(self, tx: Transaction, statement: str) -> str:
        filled = statement.format_map(self.names)
        inner = tx.driver.transaction()
        await inner.start()
        try:
            return str(await tx.driver.execute(filled))
        except asyncpg.InsufficientPrivilegeError:
            return "refused"
        except asyncpg.CheckViolationError as error:
            return f"refused: {error}"
        finally:
            await inner.rollback()


@pytest.fixture(scope="module")
async def world(module_database_urls: DatabaseURLs) -> AsyncIterator[World]:
    async with open_world(module_database_urls) as made:
        yield made


@pytest.fixture(scope="module")
async def stage(world: World) -> Stage:
    scene = await set_scene(world)
    share = await scene.share()
    other = await world.account(scene["mia"], label="Till")
    grant = await scene.grant(share, "greta")
    (item,) = await scene.ask("greta", share, "dan")
    attempt = await world.owner.fetchval("SELECT id FROM accord.attempts WHERE partnership_id = $1", scene.partnership)
    scene.people["lea"] = await world.person(scene.host, name="Lea")
    await world.join(scene["lea"], scene.guest)
    lea_at_guest = await world.owner.fetchval(
        "SELECT id FROM accord.memberships WHERE user_id = $1 AND organisation_id = $2", scene["lea"].id, scene.guest.id
    )
    await scene.act("greta", deactivate_member, membership_id=lea_at_guest)
    names: dict[str, Any] = {name: person.id for name, person in scene.people.items()}
    names |= {
        "host": scene.host.id,
        "guest": scene.guest.id,
        "elsewhere": scene["zoe"].organisation.id,
        "partnership": scene.partnership,
        "attempt": attempt,
        "account": scene.account,
        "other": other,
        "share": share,
        "grant": grant["id"],
        "item": item,
        "terms": await world.terms(),
        "lea_at_guest": lea_at_guest,
        "contact": await make_contact(scene, "dan", P),
        "gone": await gone_contact(scene),
        "whole": f"'{share}', '{scene.partnership}', '{scene.account}', '{scene.host.id}', '{scene.guest.id}'",
    }
    return Stage(scene, names)


async def gone_contact(scene: Scene) -> UUID:
    """A contact that was removed."""
    key = await make_contact(scene, "gustav", P)
    await scene.act("ada", remove_external_contact, contact_id=key)
    return key


PARTNERSHIP = (
    "INSERT INTO accord.partnerships (host_id, guest_id, told_guest, path, state, created_by_user_id,"
    " requester_user_id, owner_user_id, starts_at) VALUES ({0}, true, 'HOST_REQUEST', 'ACTIVE', {1}, {1}, {1}, now())"
)
ASKED = (
    "INSERT INTO accord.partnerships (host_id, guest_id, told_guest, asked_by_guest, path, state, created_by_user_id,"
    " requester_user_id, owner_user_id, starts_at)"
    " VALUES ({0}, true, true, 'GUEST_REQUEST', '{1}', '{{greta}}', '{{greta}}', '{{greta}}', now())"
)
ASKED_ATTEMPT = (
    "INSERT INTO accord.attempts (partnership_id, host_id, guest_id, by_guest, number, terms, submitted_by,"
    " submitted_at, host_decision, host_decided_by, lapses_at) VALUES ('{partnership}', '{host}', '{guest}', true, 2,"
    " '{{}}', '{greta}', now(), {0}, now())"
)
ENTRY = "INSERT INTO accord.directory_entries (id, listed, email) VALUES ('{0}', true, 'a@b.example')"
SHARE = (
    "INSERT INTO accord.shares (partnership_id, host_id, guest_id, account_id, shared_by, state, shared_at)"
    " VALUES ('{partnership}', '{host}', '{guest}', '{other}', '{mia}', 'ACTIVE', now())"
)
GRANT = (
    f"INSERT INTO accord.grants ({WHOLE_SHARE}, user_id, role, state, origin, granted_by, granted_at)"
    " VALUES ({whole}, '{carla}', 'ACCOUNT_MANAGER', 'ACTIVE', 'SHARE', '{mia}', now())"
)
ITEM = (
    f"INSERT INTO accord.access_items (request_id, {WHOLE_SHARE}, member_user_id, requested_by, role, state, lapses_at)"
    " VALUES (accord.new_id(), {whole}, '{carla}', '{greta}', 'COLLABORATOR', 'PENDING', now() + '1 day'::interval)"
)
INVITATION = (
    "INSERT INTO accord.invitations (token_hash, partnership_id, attempt_id, host_id, guest_id, email, expires_at)"
    " VALUES ('x', '{partnership}', '{attempt}', '{host}', '{guest}', 'a@b.example', now())"
)
ATTEMPT = (
    "INSERT INTO accord.attempts (partnership_id, host_id, guest_id, number, terms, submitted_by, submitted_at,"
    " host_decision, host_decided_by, lapses_at) VALUES ('{partnership}', '{host}', '{guest}', 2, '{{}}', '{mia}',"
    " now(), 'APPROVED', '{ada}', now())"
)
TICKET = (
    "INSERT INTO accord.tickets (account_id, host_id, guest_id, grant_id, user_id, organisation_id, audience,"
    " issued_at, expires_at) VALUES ('{account}', '{host}', '{guest}', '{grant}', '{0}', '{1}', 'https://a.example',"
    " now(), now())"
)
NOTICE = (
    "INSERT INTO accord.notifications (user_id, organisation_id, template, subject, text, created_at)"
    " VALUES ('{0}', '{host}', 'shared', 'Pay us', 'Now', now())"
)
ACCEPTANCE = (
    "INSERT INTO accord.terms_acceptances (terms_version_id, partnership_id, attempt_id, host_id, guest_id, user_id,"
    " accepted_at, ip, user_agent)"
    " SELECT '{terms}', '{partnership}', a.id, '{host}', '{guest}', '{greta}', now(), '', ''"
    " FROM accord.attempts a WHERE a.id = '{attempt}'"
)

CONTACT = (
    "INSERT INTO accord.external_contacts (host_id, email, roles, status, invited_by, user_id, home_id)"
    " VALUES ('{host}', 'g@b.example', '{{DECISION_MAKER}}', 'ACTIVE', '{ada}', '{greta}', '{guest}')"
)
ASSIGNMENT = (
    "INSERT INTO accord.customer_assignments (partnership_id, host_id, guest_id, user_id, assigned_by, assigned_at)"
    " VALUES ('{partnership}', '{host}', '{guest}', '{carla}', '{greta}', now())"
)

FORGED: dict[str, tuple[str, str]] = {
    "a guest makes itself somebody's partner": (
        "greta",
        PARTNERSHIP.format("'{elsewhere}', '{guest}'", "'{greta}'"),
    ),
    "a guest asks and is let in at once": ("greta", ASKED.format("'{elsewhere}', '{guest}'", "ACTIVE")),
    "a guest asks in another's name": (
        "greta",
        ASKED.format("'{host}', '{elsewhere}'", "AWAITING_HOST_APPROVAL"),
    ),
    "a guest approves what it asks for": ("greta", ASKED_ATTEMPT.replace("{0}", "'APPROVED', '{ada}'")),
    "whose attempt it is": ("greta", "UPDATE accord.attempts SET by_guest = true WHERE id = '{attempt}'"),
    "another organisation in the directory": ("ada", ENTRY.replace("{0}", "{guest}")),
    "a guest takes an account": ("greta", SHARE),
    "a guest lets its people in": ("greta", GRANT),
    "a guest invites itself": ("greta", INVITATION),
    "a guest submits an approved attempt": ("greta", ATTEMPT),
    "a host asks for access in a guest's name": ("ada", ITEM),
    "a host consents for its guest": ("ada", ACCEPTANCE),
    "a ticket for a colleague": ("greta", TICKET.replace("{0}", "{carla}").replace("{1}", "{guest}")),
    "a ticket in another organisation's name": ("greta", TICKET.replace("{0}", "{greta}").replace("{1}", "{host}")),
    "a notice to a stranger": ("ada", NOTICE.replace("{0}", "{zoe}")),
    "another account behind a share": ("greta", "UPDATE accord.shares SET account_id = '{other}' WHERE id = '{share}'"),
    "another person behind a grant": ("greta", "UPDATE accord.grants SET user_id = '{carla}' WHERE id = '{grant}'"),
    "another host of a partnership": (
        "greta",
        "UPDATE accord.partnerships SET host_id = '{elsewhere}' WHERE id = '{partnership}'",
    ),
    "another guest of a partnership": (
        "ada",
        "UPDATE accord.partnerships SET guest_id = '{elsewhere}' WHERE id = '{partnership}'",
    ),
    "another member in a request": (
        "greta",
        "UPDATE accord.access_items SET member_user_id = '{carla}' WHERE id = '{item}'",
    ),
    "who asked for a partnership": (
        "ada",
        "UPDATE accord.partnerships SET created_by_user_id = '{ada}' WHERE id = '{partnership}'",
    ),
    "the words of one's own notice": ("greta", "UPDATE accord.notifications SET text = 'never'"),
    "a feature for the own organisation": (
        "ada",
        "UPDATE accord.organisations SET partners_enabled = true WHERE id = '{host}'",
    ),
    "a handle for the own organisation": ("ada", "UPDATE accord.organisations SET handle = 'x' WHERE id = '{host}'"),
    "another home": ("ada", "UPDATE accord.users SET home_organisation_id = '{guest}' WHERE id = '{ada}'"),
    "the own place elsewhere": (
        "lea",
        "UPDATE accord.memberships SET status = 'ACTIVE', roles = '{{ORG_ADMIN}}' WHERE id = '{lea_at_guest}'",
    ),
    "another organisation's place": (
        "ada",
        "UPDATE accord.memberships SET organisation_id = '{guest}' WHERE user_id = '{mia}'",
    ),
    "a guest makes itself a contact": ("greta", CONTACT),
    "more roles for a contact": (
        "greta",
        "UPDATE accord.external_contacts SET roles = '{{DECISION_MAKER}}' WHERE id = '{contact}'",
    ),
    "another address for a contact": (
        "ada",
        "UPDATE accord.external_contacts SET email = 'x@y.example' WHERE id = '{contact}'",
    ),
    "another person behind a contact": (
        "greta",
        "UPDATE accord.external_contacts SET user_id = '{carla}' WHERE id = '{contact}'",
    ),
    "a contact without its partnership": (
        "greta",
        "UPDATE accord.external_contacts SET partnership_id = NULL, converted_at = NULL WHERE id = '{contact}'",
    ),
    "a contact that comes back": (
        "ada",
        "UPDATE accord.external_contacts SET status = 'ACTIVE', ended_at = NULL WHERE id = '{gone}'",
    ),
    "a host assigns a guest's people": ("ada", ASSIGNMENT),
    "another owner of an account's row": (
        "ada",
        "UPDATE accord.accounts SET host_id = '{guest}' WHERE id = '{other}'",
    ),
    "a chain of one's own": (
        "ada",
        "INSERT INTO accord.chain_heads (stream_id, sequence, hash) VALUES ('{elsewhere}', 9, 'x')",
    ),
    "a chain's head turned back": (
        "greta",
        "UPDATE accord.chain_heads SET sequence = sequence - 1 WHERE stream_id = '{host}'",
    ),
    "a chain's head rewritten": ("greta", "UPDATE accord.chain_heads SET hash = 'x' WHERE stream_id = '{host}'"),
    "another chain's head": (
        "greta",
        "UPDATE accord.chain_heads SET stream_id = '{elsewhere}' WHERE stream_id = '{host}'",
    ),
    "an event unsaid": ("ada", "DELETE FROM accord.activity_events"),
    "an event rewritten": ("ada", "UPDATE accord.activity_events SET reason = 'x'"),
    "terms of one's own": (
        "ada",
        "INSERT INTO accord.terms_versions (code, version, text, text_hash, published_at) SELECT '', '', '', '', now()",
    ),
    "an organisation of one's own": (
        "ada",
        "INSERT INTO accord.organisations (handle, name, country_code) VALUES ('mine', 'Mine', 'NO')",
    ),
    "another identity for somebody": (
        "ada",
        "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ('https://i.example', 'x', '{greta}')",
    ),
}
HONEST: dict[str, tuple[str, str]] = {
    "a host asks": ("mia", PARTNERSHIP.format("'{host}', '{elsewhere}'", "'{mia}'")),
    "a guest asks": ("greta", ASKED.format("'{elsewhere}', '{guest}'", "AWAITING_HOST_APPROVAL")),
    "a guest submits what it asks for": ("greta", ASKED_ATTEMPT.replace("{0}", "NULL, NULL")),
    "the own organisation in the directory": ("ada", ENTRY.replace("{0}", "{host}")),
    "a host shares": ("mia", SHARE),
    "a host lets somebody in": ("mia", GRANT),
    "a host invites": ("ada", INVITATION),
    "a host tries again": ("ada", ATTEMPT),
    "a guest assigns a customer": ("greta", ASSIGNMENT),
    "a contact ends": (
        "greta",
        "UPDATE accord.external_contacts SET status = 'REMOVED', ended_at = now() WHERE id = '{contact}'",
    ),
    "a guest asks for access": ("greta", ITEM),
    "a ticket for oneself": ("greta", TICKET.replace("{0}", "{greta}").replace("{1}", "{guest}")),
    "a notice to the partner's people": ("ada", NOTICE.replace("{0}", "{greta}")),
    "a share ends": ("greta", "UPDATE accord.shares SET state = 'REMOVED', ended_at = now() WHERE id = '{share}'"),
    "a grant ends": ("greta", "UPDATE accord.grants SET state = 'REVOKED', ended_at = now() WHERE id = '{grant}'"),
    "a chain's head moves on": (
        "greta",
        "UPDATE accord.chain_heads SET sequence = sequence + 1, hash = 'x' WHERE stream_id = '{host}'",
    ),
    "a place in the own organisation": (
        "ada",
        "UPDATE accord.memberships SET roles = '{{MEMBER}}' WHERE user_id = '{otto}'",
    ),
}


@pytest.mark.parametrize("what", FORGED)
async def test_the_database_refuses(stage: Stage, what: str) -> None:
    who, statement = FORGED[what]
    answer = await stage.attempt(who, statement)
    assert answer.startswith("refused") or answer in {"UPDATE 0", "DELETE 0", "INSERT 0 0"}, answer


@pytest.mark.parametrize("what", HONEST)
async def test_the_database_admits(stage: Stage, what: str) -> None:
    who, statement = HONEST[what]
    answer = await stage.attempt(who, statement)
    assert answer.split(" ")[-1] != "0", answer
    assert not answer.startswith("refused"), answer


async def test_nobody_unknown_becomes_somebody_known(stage: Stage, world: World) -> None:
    """An identity that nobody has yet is bound to the person that it made, and to nobody who was there before."""
    database: Database = world.database
    claim = "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ('{issuer}', '{subject}', '{0}')"
    thief = identify("thief@nowhere.example")
    stage.names |= {"issuer": thief.issuer, "subject": thief.subject}
    for victim in ("ada", "zoe"):
        async with database.transaction(thief, None) as tx:
            await tx.enter(UUID(str(stage.names["host"])))
            assert await stage._tried(tx, claim.replace("{0}", f"{{{victim}}}")) == "refused"
            await tx.present(vouched_in=str(stage.names["host"]))
            assert await stage._tried(tx, claim.replace("{0}", f"{{{victim}}}")) == "refused"
