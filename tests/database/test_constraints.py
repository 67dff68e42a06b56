"""What the tables refuse whoever writes to them: the rules that hold below every service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from accord.domain.organisation import Role
from accord.domain.sharing import AccountRole
from accord.services.grants.access_request import request_access
from accord.services.grants.sharing import ShareItem, share_accounts
from tests.servers import DatabaseURLs
from tests.world import Organisation, Person, World, open_world


@dataclass(frozen=True, slots=True)
class Things:
    """A partnership that is used: a share, two grants, a pending request."""

    world: World
    host: Organisation
    guest: Organisation
    owner: Person
    manager: Person
    colleague: Person
    partnership: UUID
    account: UUID
    share: UUID
    item: UUID

    async def copy(self, table: str, key: UUID, **changed: Any) -> None:
        """Write a row again under another key, with some columns changed."""
        columns = await self.world.owner.fetch(
            "SELECT column_name AS name FROM information_schema.columns"
            " WHERE table_schema = 'accord' AND table_name = $1 AND is_generated = 'NEVER'",
            table,
        )
        given = {"id": uuid4(), **changed}
        names = [row["name"] for row in columns]
        values = [f"${list(given).index(name) + 1}" if name in given else name for name in names]
        await self.world.owner.execute(
            f"INSERT INTO accord.{table} ({', '.join(names)}) SELECT {', '.join(values)} FROM accord.{table}"
            f" WHERE id = '{key}'",
            *given.values(),
        )

    async def change(self, table: str, key: UUID, **changed: Any) -> None:
        """Write into a row, past every service."""
        values = ", ".join(f"{name} = ${place}" for place, name in enumerate(changed, 1))
        await self.world.owner.execute(f"UPDATE accord.{table} SET {values} WHERE id = '{key}'", *changed.values())


@pytest.fixture(scope="module")
async def things(module_database_urls: DatabaseURLs) -> AsyncIterator[Things]:
    async with open_world(module_database_urls) as world:
        host, guest = await world.organisation(), await world.organisation()
        admin, owner = await world.person(host, Role.ORG_ADMIN), await world.person(host)
        manager, colleague = await world.person(guest, Role.ORG_ADMIN), await world.person(guest)
        partnership = await world.partnership(owner, admin, manager)
        account = await world.account(owner)
        (share,) = await world.act(
            owner,
            share_accounts,
            partnership_id=partnership,
            items=[ShareItem(account, AccountRole.ACCOUNT_MANAGER)],
        )
        (item,) = await world.act(
            manager,
            request_access,
            share_id=share,
            member_user_ids=[colleague.id],
            role=AccountRole.COLLABORATOR,
        )
        assert isinstance(share, UUID)
        assert isinstance(item, UUID)
        yield Things(world, host, guest, owner, manager, colleague, partnership, account, share, item)


@pytest.fixture(autouse=True)
async def undone(things: Things) -> AsyncIterator[None]:
    """Every test writes into a transaction that is rolled back."""
    transaction = things.world.owner.transaction()
    await transaction.start()
    yield
    await transaction.rollback()


async def refused(act: Any, constraint: str) -> None:
    """The database says no, by the constraint that is meant to."""
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as error:
        await act
    assert error.value.constraint_name == constraint


async def test_one_partnership_of_a_pair_is_open(things: Things) -> None:
    again = {"state": "AWAITING_HOST_APPROVAL", "told_guest": False, "owner_user_id": None}
    await refused(things.copy("partnerships", things.partnership, **again), "uq_partnerships_open_pair")


@pytest.mark.parametrize("state", ["DECLINED_BY_HOST", "WITHDRAWN", "LAPSED", "TERMINATED", "EXPIRED"])
async def test_any_number_of_a_pair_has_ended(things: Things, state: str) -> None:
    for _ in range(2):
        await things.copy("partnerships", things.partnership, state=state, ended_at=things.world.clock.now)


async def test_the_other_direction_is_another_pair(things: Things) -> None:
    await things.copy("partnerships", things.partnership, host_id=things.guest.id, guest_id=things.host.id)


NOBODY: Final = UUID(int=5)
BROKEN_PARTNERSHIPS: Final[list[tuple[dict[str, Any], str]]] = [
    ({"state": "SOMEHOW", "ended_at": datetime(2026, 1, 1, tzinfo=UTC)}, "ck_partnerships_state_known"),
    ({"path": "ELSEWHERE"}, "ck_partnerships_path_known"),
    ({"access_mode": "SOME"}, "ck_partnerships_access_mode_known"),
    ({"wallet_entrusted": True}, "ck_partnerships_wallet_with_complete"),
    ({"starts_at": None}, "ck_partnerships_connected_has_start"),
    ({"owner_user_id": None}, "ck_partnerships_approved_has_owner"),
    ({"told_guest": False}, "ck_partnerships_approved_has_owner"),
    ({"state": "AWAITING_HOST_APPROVAL"}, "ck_partnerships_untold"),
    ({"state": "TERMINATED"}, "ck_partnerships_ended_once"),
    ({"granted_level": "MOST"}, "ck_partnerships_granted_level_known"),
    ({"granted_level": "MANAGE"}, "ck_partnerships_manage_by_a_person"),
    (
        {"granted_level": "SUPPORT", "state": "TERMINATED", "ended_at": datetime(2026, 1, 1, tzinfo=UTC)},
        "ck_partnerships_level_while_connected",
    ),
    ({"created_by_user_id": None}, "ck_partnerships_made_by_somebody"),
    ({"link_id": NOBODY}, "fk_partnerships_link_id"),
    ({"owner_user_id": NOBODY}, "fk_partnerships_owner_user_id"),
    ({"guest_id": NOBODY}, "fk_partnerships_guest_id"),
]


@pytest.mark.parametrize(("changed", "constraint"), BROKEN_PARTNERSHIPS, ids=[c for _, c in BROKEN_PARTNERSHIPS])
async def test_a_partnership_in_an_impossible_state(things: Things, changed: dict[str, Any], constraint: str) -> None:
    other = await things.world.organisation()
    given = {"guest_id": other.id} | changed
    await refused(things.copy("partnerships", things.partnership, **given), constraint)


LINK: Final = (
    "INSERT INTO accord.partner_links (customer_id, partner_id, kind, status, ended_at, created_by)"
    " VALUES ($1, $2, $3, $4, $5, 'Staff')"
)


@pytest.mark.parametrize(
    ("partner", "kind", "constraint"),
    [
        ("other", "PARTNER_OF_RECORD", "uq_partner_links_of_record"),
        ("guest", "MSP", "uq_partner_links_pair"),
        ("host", "MSP", "ck_partner_links_two_organisations"),
        ("other", "FRIEND", "ck_partner_links_kind_known"),
        ("other", "RESELLER", None),
    ],
)
async def test_one_partner_of_record_and_one_link_of_a_pair(
    things: Things, partner: str, kind: str, constraint: str | None
) -> None:
    """S105; links that have ended stand in nobody's way."""
    other, owner = await things.world.organisation(), things.world.owner
    keys = {"other": other.id, "guest": things.guest.id, "host": things.host.id}
    for _ in range(2):
        await owner.execute(LINK, things.host.id, keys["guest"], "PARTNER_OF_RECORD", "ENDED", things.world.clock.now)
    await owner.execute(LINK, things.host.id, keys["guest"], "PARTNER_OF_RECORD", "ACTIVE", None)
    second = owner.execute(LINK, things.host.id, keys[partner], kind, "ACTIVE", None)
    if constraint is None:
        await second
    else:
        await refused(second, constraint)


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ("partner_program = 'MSP'", "ck_organisations_partner_has_status"),
        ("ceiling = 'SOME'", "ck_organisations_ceiling_known"),
        (
            "parent_partner_id = id, partner_program = 'MSP', partner_status = 'ACTIVE'",
            "ck_organisations_not_own_parent",
        ),
        (f"parent_partner_id = '{NOBODY}'", "ck_organisations_parent_of_partner"),
    ],
)
async def test_a_partner_has_a_programme_and_a_status(things: Things, changed: str, constraint: str) -> None:
    write = things.world.owner.execute(f"UPDATE accord.organisations SET {changed} WHERE id = $1", things.host.id)
    await refused(write, constraint)


async def test_host_and_guest_are_two(things: Things) -> None:
    copied = things.copy("partnerships", things.partnership, guest_id=things.host.id)
    await refused(copied, "ck_partnerships_two_organisations")


async def test_an_open_partnership_has_not_ended(things: Things) -> None:
    ended = things.change("partnerships", things.partnership, ended_at=things.world.clock.now)
    await refused(ended, "ck_partnerships_ended_once")


async def test_one_live_share_of_an_account(things: Things) -> None:
    await refused(things.copy("shares", things.share, state="SUSPENDED"), "uq_shares_live")


async def test_a_removed_share_makes_room(things: Things) -> None:
    for _ in range(2):
        await things.copy("shares", things.share, state="REMOVED")


async def test_a_share_belongs_to_its_partnership_and_its_host(things: Things) -> None:
    stranger = await things.world.organisation()
    foreign, another = await things.world.account(organisation=stranger), await things.world.account(things.owner)
    for changed, constraint in (
        ({"account_id": another, "guest_id": stranger.id}, "fk_shares_partnership_id_host_id_guest_id"),
        ({"account_id": foreign}, "fk_shares_account_id_host_id"),
        ({"state": "LENT"}, "ck_shares_state_known"),
    ):
        await refused_inside(things, "shares", things.share, changed, constraint)


async def refused_inside(things: Things, table: str, key: UUID, changed: dict[str, Any], constraint: str) -> None:
    """As `refused`, in a savepoint of its own."""
    savepoint = things.world.owner.transaction()
    await savepoint.start()
    await refused(things.copy(table, key, **changed), constraint)
    await savepoint.rollback()


async def test_one_pending_request_for_a_member_on_a_share(things: Things) -> None:
    await refused(things.copy("access_items", things.item), "uq_access_items_pending")


async def test_an_answered_request_makes_room(things: Things) -> None:
    for state in ("ACCEPTED", "DECLINED", "WITHDRAWN", "LAPSED", "CANCELLED"):
        await things.copy("access_items", things.item, state=state)


async def test_a_request_is_in_a_state_that_exists(things: Things) -> None:
    await refused(things.copy("access_items", things.item, state="MAYBE"), "ck_access_items_state_known")


async def grant_of(things: Things) -> UUID:
    key: UUID = await things.world.owner.fetchval("SELECT id FROM accord.grants WHERE share_id = $1", things.share)
    return key


async def test_one_live_grant_of_a_person_on_a_share(things: Things) -> None:
    await refused(things.copy("grants", await grant_of(things)), "uq_grants_live")


async def test_a_grant_is_an_active_members(things: Things) -> None:
    stranger = await things.world.person(await things.world.organisation())
    await refused(things.copy("grants", await grant_of(things), user_id=stranger.id), "fk_grants_active_member")


@pytest.mark.parametrize("status", ["DEACTIVATED", "REMOVED", "INVITED"])
async def test_who_has_a_live_grant_stays_an_active_member(things: Things, status: str) -> None:
    await refused(things.change("memberships", things.manager.membership_id, status=status), "fk_grants_active_member")


async def test_a_former_member_keeps_the_record_of_former_grants(things: Things) -> None:
    await things.change("grants", await grant_of(things), state="REVOKED")
    await things.change("memberships", things.manager.membership_id, status="REMOVED")


@pytest.mark.parametrize("column", ["partnership_id", "account_id", "host_id", "guest_id"])
async def test_a_grant_repeats_what_its_share_names(things: Things, column: str) -> None:
    changed = {"user_id": things.colleague.id, column: uuid4()}
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await things.copy("grants", await grant_of(things), **changed)


async def test_a_product_has_a_category_and_a_launch_url_is_https(things: Things) -> None:
    await things.copy("accounts", things.account, kind="PRODUCT", category="Design")
    for changed, constraint in (
        ({"kind": "PRODUCT", "category": None}, "ck_accounts_product_has_category"),
        ({"launch_url": "http://ledger.example"}, "ck_accounts_launch_url_https"),
        ({"kind": "THING"}, "ck_accounts_kind_known"),
        ({"status": "LOST"}, "ck_accounts_status_known"),
    ):
        await refused_inside(things, "accounts", things.account, changed, constraint)


async def test_an_account_is_owned_by_somebody_of_its_host(things: Things) -> None:
    write = things.world.owner.execute(
        "INSERT INTO accord.account_ownerships (account_id, host_id, user_id) VALUES ($1, $2, $3)",
        things.account,
        things.host.id,
        things.manager.id,
    )
    await refused(write, "fk_account_ownerships_host_id_user_id")


async def attempt_of(things: Things) -> UUID:
    sql = "SELECT id FROM accord.attempts WHERE partnership_id = $1"
    key: UUID = await things.world.owner.fetchval(sql, things.partnership)
    return key


@pytest.mark.parametrize("column", ["reason", "guest_reason", "host_reason"])
async def test_a_decided_attempt_does_not_change(things: Things, column: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="a decided attempt does not change"):
        await things.change("attempts", await attempt_of(things), **{column: "rewritten"})


async def test_a_decided_attempt_is_not_deleted(things: Things) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="a decided attempt does not change"):
        await things.world.owner.execute("DELETE FROM accord.attempts")


async def test_attempts_are_numbered_once_and_decided_in_order(things: Things) -> None:
    attempt = await attempt_of(things)
    await refused_inside(things, "attempts", attempt, {}, "uq_attempts_partnership_id_number")
    early = {"number": 2, "host_decision": None}
    await refused_inside(things, "attempts", attempt, early, "ck_attempts_host_first")
    row = await things.world.owner.fetchrow("SELECT * FROM accord.attempts WHERE id = $1", attempt)
    assert row is not None
    alone = {"number": 2, "host_decided_by": row["guest_decided_by"]}
    await refused_inside(things, "attempts", attempt, alone, "ck_attempts_two_people")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE accord.activity_events SET reason = 'rewritten'",
        "DELETE FROM accord.activity_events",
        "TRUNCATE accord.activity_events CASCADE",
    ],
)
async def test_activity_is_append_only_even_for_the_owner(things: Things, sql: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="append-only"):
        await things.world.owner.execute(sql)


async def test_an_event_has_its_place_in_the_chain_alone(things: Things) -> None:
    key = await things.world.owner.fetchval("SELECT id FROM accord.activity_events LIMIT 1")
    await refused(things.copy("activity_events", key), "uq_activity_events_stream_id_sequence")


async def test_one_membership_of_a_person_in_an_organisation(things: Things) -> None:
    again = things.copy("memberships", things.manager.membership_id)
    with pytest.raises(asyncpg.UniqueViolationError):
        await again


async def test_a_token_is_for_somebody_invited(things: Things) -> None:
    write = things.change("memberships", things.colleague.membership_id, token_hash="x" * 64)
    await refused(write, "ck_memberships_token_while_invited")


async def test_an_active_membership_is_somebodys(things: Things) -> None:
    key = things.colleague.membership_id
    await refused(things.copy("memberships", key, user_id=None), "ck_memberships_person_known")


async def test_an_address_is_one_persons_at_home(things: Things) -> None:
    other = await things.world.organisation()
    await things.copy("users", things.owner.id, home_organisation_id=other.id)
    await refused(things.copy("users", things.owner.id, email=things.owner.email.upper()), "uq_users_home_email")


async def test_an_identity_is_one_persons(things: Things) -> None:
    write = things.world.owner.execute(
        "INSERT INTO accord.identities (issuer, subject, user_id) SELECT issuer, subject, $1 FROM accord.identities"
        " WHERE user_id = $2",
        things.manager.id,
        things.owner.id,
    )
    await refused(write, "pk_identities")


async def test_a_handle_is_given_once(things: Things) -> None:
    await refused(things.copy("organisations", things.host.id), "uq_organisations_handle")


async def test_keys_are_made_by_the_database_in_order_of_time(things: Things) -> None:
    made = await things.world.owner.fetchval("SELECT array_agg(accord.new_id()) FROM generate_series(1, 50)")
    assert len(set(made)) == 50
    assert {key.version for key in made} == {7}
    stamp = timedelta(milliseconds=made[0].int >> 80)
    now = await things.world.owner.fetchval("SELECT clock_timestamp()")
    assert abs(now.timestamp() - stamp.total_seconds()) < 60
