"""Accounts and their owners (S42, model 4.6)."""

import pytest

from accord.domain.errors import Conflict, Forbidden, InvalidState, NotFound, ValidationError
from accord.domain.sharing import OWNERS, AccountKind
from accord.services.grants.account import archive_account, create_account, set_account_owners, update_account
from accord.services.grants.sharing import ShareItem, share_accounts
from accord.services.grants.ticket import sign_in_to_account
from tests.services.scene import Scene, Signer

GIVEN = {"app": "Ledger", "label": "Books", "launch_url": "https://ledger.example/"}


async def test_whoever_creates_an_account_owns_it(scene: Scene) -> None:
    account = await scene.act("otto", create_account, **GIVEN)
    row = await scene.row("accounts", account)
    assert (row["host_id"], row["kind"], row["status"], row["label"]) == (scene.host.id, "ACCOUNT", "ACTIVE", "Books")
    sql = "SELECT user_id FROM accord.account_ownerships WHERE account_id = $1"
    assert [one["user_id"] for one in await scene.world.owner.fetch(sql, account)] == [scene["otto"].id]
    (event,) = await scene.events(scene.host, "account.created")
    assert (event["account_id"], event["account_label"], event["app"]) == (account, "Books", "Ledger")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("category", {"kind": AccountKind.PRODUCT}),
        ("launchUrl", {"launch_url": "http://ledger.example/"}),
        ("launchUrl", {"launch_url": "https://me:secret@ledger.example/"}),
        ("label", {"label": " "}),
        ("label", {"label": "x" * 201}),
        ("app", {"app": "a\x00b"}),
    ],
)
async def test_what_an_account_cannot_be(scene: Scene, field: str, given: dict[str, object]) -> None:
    error = await scene.refused("otto", ValidationError, create_account, **GIVEN | given)
    assert error.path == (field,)


async def test_an_auditor_creates_nothing(scene: Scene) -> None:
    await scene.refused("aud", Forbidden, create_account, **GIVEN)


async def test_an_owner_updates_what_is_given(scene: Scene) -> None:
    given = {"account_id": scene.account, "label": "Desk", "launch_url": "https://new.example/"}
    await scene.act("mia", update_account, expected_version=1, **given)
    row = await scene.row("accounts", scene.account)
    assert (row["label"], row["launch_url"], row["app"], row["version"]) == (
        "Desk",
        "https://new.example/",
        "Ledger",
        2,
    )
    (event,) = await scene.events(scene.host, "account.updated")
    assert '"changed": ["label", "launch_url"]' in event["data"]
    await scene.refused("mia", Conflict, update_account, expected_version=1, **given)
    async with scene.unchanged():
        await scene.act("mia", update_account, **given)


@pytest.mark.parametrize("name", ["ada", "otto", "greta", "gustav", "zoe"])
async def test_who_changes_no_account(scene: Scene, name: str) -> None:
    """S42: an Account Manager of the guest reaches no security setting either."""
    await scene.share()
    account = {"account_id": scene.account}
    refusals = (Forbidden, NotFound)
    await scene.refused(name, refusals, update_account, label="Mine", **account)
    await scene.refused(name, refusals, update_account, launch_url="https://mine.example/", **account)
    await scene.refused(name, refusals, set_account_owners, user_ids=[scene[name].id], **account)
    await scene.refused(name, refusals, archive_account, **account)


async def test_an_account_has_at_most_twenty_owners(scene: Scene) -> None:
    """Lists of accounts show all of them (record 101)."""
    people = [await scene.world.person(scene["mia"].organisation) for _ in range(OWNERS)]
    keys = [scene["mia"].id, *(person.id for person in people)]
    given = {"account_id": scene.account}
    await scene.refused("mia", ValidationError, set_account_owners, user_ids=keys, **given)
    await scene.act("mia", set_account_owners, user_ids=keys[:OWNERS], **given)
    sql = "SELECT count(*) FROM accord.account_ownerships WHERE account_id = $1"
    assert await scene.world.owner.fetchval(sql, scene.account) == OWNERS


async def test_the_given_owners_replace_those_before(scene: Scene) -> None:
    share = await scene.share()
    owners = [scene["otto"].id, scene["arne"].id]
    await scene.act("mia", set_account_owners, account_id=scene.account, user_ids=owners)
    sql = "SELECT user_id FROM accord.account_ownerships WHERE account_id = $1"
    assert {one["user_id"] for one in await scene.world.owner.fetch(sql, scene.account)} == set(owners)
    await scene.refused("mia", Forbidden, set_account_owners, account_id=scene.account, user_ids=owners)
    assert (await scene.row("shares", share))["state"] == "ACTIVE", "partner access goes on"
    given = {"partnership_id": scene.partnership, "items": [ShareItem(scene.account, "COLLABORATOR")]}  # type: ignore[arg-type]
    await scene.refused_item("mia", Forbidden, share_accounts, **given)


async def test_who_can_be_an_owner(scene: Scene) -> None:
    account = {"account_id": scene.account}
    await scene.refused("mia", ValidationError, set_account_owners, user_ids=[], **account)
    await scene.refused("mia", NotFound, set_account_owners, user_ids=[scene["greta"].id], **account)
    await scene.refused("mia", NotFound, set_account_owners, user_ids=[scene["zoe"].id], **account)
    await scene.refused("mia", ValidationError, set_account_owners, user_ids=[scene["aud"].id], **account)


async def test_admins_name_owners_where_nobody_active_owns_the_account(scene: Scene) -> None:
    sql = "UPDATE accord.memberships SET status = 'DEACTIVATED' WHERE id = $1"
    await scene.world.owner.execute(sql, scene["mia"].membership_id)
    await scene.refused("ada", Forbidden, update_account, account_id=scene.account, label="Ours")
    await scene.act("ada", set_account_owners, account_id=scene.account, user_ids=[scene["otto"].id])
    await scene.act("otto", update_account, account_id=scene.account, label="Ours")


async def test_archiving_ends_every_share(scene: Scene) -> None:
    share = await scene.share()
    await scene.let_in(share, "carla")
    (item,) = await scene.ask("greta", share, "dan")
    for name in ("greta", "mia"):
        await scene.act(name, sign_in_to_account, account_id=scene.account, signer=Signer())
    done = await scene.act("mia", archive_account, account_id=scene.account)
    receipt = done.receipt
    assert (receipt.shares_ended, receipt.grants_ended) == (1, 2)
    assert (receipt.access_requests_cancelled, receipt.tickets_voided) == (1, 2)
    assert (await scene.row("accounts", scene.account))["status"] == "ARCHIVED"
    assert (await scene.row("access_items", item))["state"] == "CANCELLED"
    assert len(await scene.events(scene.host, "account.archived")) == 1
    assert len(await scene.events(scene.guest, "share.removed")) == 1
    assert await scene.events(scene.guest, "account.archived") == []
    assert await scene.mails("access_removed") == [{"greta", "carla"}]
    await scene.refused("mia", InvalidState, archive_account, account_id=scene.account)
    await scene.refused("mia", InvalidState, update_account, account_id=scene.account, label="Again")
    given = {"account_id": scene.account, "signer": Signer()}
    await scene.refused("mia", InvalidState, sign_in_to_account, **given)
    await scene.refused("greta", NotFound, sign_in_to_account, **given)
