"""Field-level rules of model 4.7: who reads what, and that denied, missing and malformed look as they should."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.domain.partnership import PartnershipState
from accord.domain.sharing import AccountRole
from accord.services.grants.sharing import ShareItem, share_accounts
from accord.services.partnerships.ownership import set_co_owners
from tests.schema.conftest import Asking
from tests.servers import DatabaseURLs
from tests.world import Person, World, open_world


@dataclass
class Town:
    """A host with an admin, an owner, a colleague and an account owner; a guest with an admin and a member."""

    world: World
    asking: Asking
    people: dict[str, Person]
    partnership: str
    waiting: str
    account: str
    share: str
    hidden: str

    def __getattr__(self, name: str) -> Person:
        return self.people[name]

    async def read(self, who: str, kind: str, fields: str) -> tuple[Any, list[Any]]:
        """The fields of the partnership, the account or the share, as this person reads them."""
        document = f"query Read($id: ID!) {{ node(id: $id) {{ ... on {kind} {{ {fields} }} }} }}"
        key = {"Partnership": self.partnership, "Account": self.account, "AccountShare": self.share}[kind]
        data, errors = await self.asking.look(self.people[who], document, id=key)
        return data["node"], errors


@pytest.fixture(scope="module")
async def town(module_database_urls: DatabaseURLs) -> AsyncIterator[Town]:
    async with open_world(module_database_urls) as world:
        host, guest = await world.organisation("Harbour"), await world.organisation("lighthouse")
        people = {
            "ada": await world.person(host, Role.ORG_ADMIN, name="Ada"),
            "mia": await world.person(host, name="Mia"),
            "otto": await world.person(host, name="Otto"),
            "nils": await world.person(host, name="Nils"),
            "rita": await world.person(host, Role.AUDITOR, name="Rita"),
            "greta": await world.person(guest, Role.ORG_ADMIN, name="Greta"),
            "carla": await world.person(guest, name="Carla"),
            "fred": await world.person(guest, name="Fred"),
            "zoe": await world.person(await world.organisation("Elsewhere"), Role.ORG_ADMIN, name="Zoe"),
        }
        partnership = await world.partnership(people["mia"], people["ada"], people["greta"])
        await world.act(people["mia"], set_co_owners, partnership_id=partnership, user_ids=[people["nils"].id])
        account, other = await world.account(people["mia"]), await world.account(people["nils"])
        given = [ShareItem(account, AccountRole.ACCOUNT_MANAGER)]
        (share,) = await world.act(people["mia"], share_accounts, partnership_id=partnership, items=given)
        more = [ShareItem(other, AccountRole.COLLABORATOR, [people["greta"].id])]
        (hidden,) = await world.act(people["nils"], share_accounts, partnership_id=partnership, items=more)
        third = await world.organisation("Third")
        await world.person(third, Role.ORG_ADMIN)
        waiting = await world.request(people["mia"], third)
        assert isinstance(share, UUID)
        assert isinstance(hidden, UUID)
        yield Town(
            world,
            Asking(world),
            people,
            global_id("partnership", partnership),
            global_id("partnership", waiting),
            global_id("account", account),
            global_id("share", share),
            global_id("share", hidden),
        )


HOST_ONLY = (
    "contactEmail createdBy { displayName }"
    " attempts { edges { node { reason submittedBy { displayName } remindersSent } } }"
)


async def test_the_host_s_own_matters(town: Town) -> None:
    for who in ("ada", "mia"):
        seen, errors = await town.read(who, "Partnership", HOST_ONLY)
        assert not errors
        assert str(seen["contactEmail"]).startswith("office@")
        assert seen["createdBy"] == {"displayName": "Mia"}
        assert seen["attempts"]["edges"][0]["node"]["reason"] == "They keep our books."
    seen, errors = await town.read("greta", "Partnership", HOST_ONLY)
    assert seen == {
        "contactEmail": None,
        "createdBy": None,
        "attempts": {"edges": [{"node": {"reason": None, "submittedBy": None, "remindersSent": None}}]},
    }
    assert {tuple(error["path"]) for error in errors} == {
        ("node", "contactEmail"),
        ("node", "createdBy"),
        *(("node", "attempts", "edges", 0, "node", name) for name in ("reason", "submittedBy", "remindersSent")),
    }
    assert {error["extensions"]["code"] for error in errors} == {"FORBIDDEN"}


async def test_terms_and_owner_are_for_leaders_owners_and_the_guest_s_admins(town: Town) -> None:
    fields = "owner { displayName } attempts { edges { node { number } } }"
    for who in ("ada", "mia", "nils", "greta"):
        seen, errors = await town.read(who, "Partnership", fields)
        assert not errors
        assert seen == {"owner": {"displayName": "Mia"}, "attempts": {"edges": [{"node": {"number": 1}}]}}


async def test_who_sees_the_partnership_at_all(town: Town) -> None:
    for who in ("otto", "carla", "fred", "zoe", "rita"):
        assert await town.asking.codes(
            town.people[who], "query P($id: ID!) { partnership(id: $id) { id } }", id=town.partnership
        ) == ["NOT_FOUND"]
    for who in ("greta", "carla", "zoe", "otto"):
        assert await town.asking.codes(
            town.people[who], "query P($id: ID!) { partnership(id: $id) { id } }", id=town.waiting
        ) == ["NOT_FOUND"]


@pytest.mark.parametrize(
    "key",
    [
        "",
        "partnership",
        "partnership_",
        "partnership_00000000-0000-7000-8000-000000000000",
        "partnership_zzzzzzzz-0000-7000-8000-000000000000",
        "PARTNERSHIP_00000000-0000-7000-8000-000000000000",
        "partnership_{00000000-0000-7000-8000-000000000000}",
        "user_00000000-0000-7000-8000-000000000000",
    ],
)
async def test_missing_malformed_and_foreign_ids_look_the_same(town: Town, key: str) -> None:
    document = "query P($id: ID!) { partnership(id: $id) { id } node(id: $id) { id } account(id: $id) { id } }"
    data, errors = await town.asking.look(town.ada, document, id=key)
    _, foreign = await town.asking.look(town.zoe, document, id=town.partnership)
    assert data == {"partnership": None, "node": None, "account": None}
    assert sorted(errors, key=str) == sorted(foreign, key=str)


async def test_nodes_are_null_at_their_position_with_an_error_each(town: Town) -> None:
    ids = [town.partnership, "nothing", town.account, town.share, f"user_{town.mia.id}", town.partnership]
    document = "query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    data, errors = await town.asking.look(town.ada, document, ids=ids)
    assert [node and node["__typename"] for node in data["nodes"]] == [
        "Partnership", None, None, None, "User", "Partnership",
    ]  # fmt: skip
    assert [error["path"] for error in errors] == [["nodes", 1], ["nodes", 2], ["nodes", 3]]
    assert {error["extensions"]["code"] for error in errors} == {"NOT_FOUND"}
    data, errors = await town.asking.look(town.mia, document, ids=ids)
    assert [node and node["__typename"] for node in data["nodes"]] == [
        "Partnership", None, "Account", "AccountShare", "User", "Partnership",
    ]  # fmt: skip
    assert await town.asking.codes(town.mia, document, ids=["x"] * 101) == ["PAGE_TOO_LARGE"]


async def test_hidden_shares_are_a_figure_for_leaders_alone(town: Town) -> None:
    seen, errors = await town.read("ada", "Partnership", "hiddenShareCount shares { totalCount }")
    assert (seen, errors) == ({"hiddenShareCount": 2, "shares": {"totalCount": 0}}, [])
    for who, count in (("mia", 2), ("nils", 2), ("greta", 2)):
        seen, errors = await town.read(who, "Partnership", "hiddenShareCount shares { totalCount }")
        assert seen == {"hiddenShareCount": None, "shares": {"totalCount": count}}
        assert [error["extensions"]["code"] for error in errors] == ["FORBIDDEN"]


async def test_a_grant_on_a_hidden_account_names_the_person_and_not_the_account(town: Town) -> None:
    member = "user { displayName email } isRepresentative grants { edges { node { role share { id } } } }"
    fields = f"members {{ totalCount edges {{ node {{ {member} }} }} }}"
    seen, errors = await town.read("ada", "Partnership", fields)
    assert not errors
    (found,) = [edge["node"] for edge in seen["members"]["edges"]]
    assert found["user"] == {"displayName": "Greta", "email": town.greta.email}
    assert found["isRepresentative"]
    assert [edge["node"]["share"] for edge in found["grants"]["edges"]] == [None, None]


async def test_security_settings_are_for_people_of_the_host(town: Town) -> None:
    fields = "launchUrl needsOwner grants { totalCount } accessRequests { totalCount }"
    seen, errors = await town.read("mia", "Account", fields)
    assert not errors
    assert seen == {
        "launchUrl": "https://ledger.example/sign-in",
        "needsOwner": False,
        "grants": {"totalCount": 1},
        "accessRequests": {"totalCount": 0},
    }
    seen, errors = await town.read("greta", "Account", fields)
    assert seen == {"launchUrl": None, "needsOwner": None, "grants": None, "accessRequests": None}
    assert {error["extensions"]["code"] for error in errors} == {"FORBIDDEN"}
    assert len(errors) == 4


async def test_roles_badges_and_open_acts(town: Town) -> None:
    fields = "viewerRole badge viewerCan"
    seen, _ = await town.read("greta", "Account", fields)
    assert seen == {"viewerRole": "ACCOUNT_MANAGER", "badge": "H", "viewerCan": ["LEAVE", "REQUEST_ACCESS", "SIGN_IN"]}
    seen, _ = await town.read("mia", "Account", fields)
    assert seen["viewerRole"] == "ACCOUNT_OWNER"
    assert seen["badge"] is None
    assert set(seen["viewerCan"]) == {
        "UPDATE", "ARCHIVE", "SET_OWNERS", "SHARE", "UNSHARE", "SUSPEND_SHARE", "CHANGE_MEMBER_ROLE", "REMOVE_MEMBER",
        "DECIDE_ACCESS_REQUESTS", "SIGN_IN",
    }  # fmt: skip
    seen, _ = await town.read("nils", "Account", fields)
    assert seen["viewerRole"] is None, "a co-owner of the partnership sees what is shared in it"
    assert set(seen["viewerCan"]) == {"UNSHARE", "SUSPEND_SHARE", "REMOVE_MEMBER"}


async def test_what_is_open_on_a_partnership(town: Town) -> None:
    expected = {
        "ada": {
            *("REMOVE", "TRANSFER", "SET_CO_OWNERS", "REMOVE_MEMBER", "SUSPEND", "SET_AUTO_EXTEND"),
            *("SET_DATA_ACCESS", "AMEND"),
        },
        "mia": {"REMOVE", "TRANSFER", "SET_CO_OWNERS", "REMOVE_MEMBER", "SHARE_ACCOUNTS", "SUSPEND", "AMEND"},
        "greta": {"REMOVE", "SET_REPRESENTATIVE", "REMOVE_MEMBER", "SUSPEND", "AMEND"},
    }
    for who, acts in expected.items():
        seen, _ = await town.read(who, "Partnership", "viewerCan")
        assert set(seen["viewerCan"]) == acts, who
    can = "query Can($id: ID!) { partnership(id: $id) { viewerCan } }"
    waiting = await town.asking.ask(town.ada, can, id=town.waiting)
    assert set(waiting["partnership"]["viewerCan"]) == {"APPROVE", "DECLINE", "WITHDRAW"}
    waiting = await town.asking.ask(town.mia, can, id=town.waiting)
    assert set(waiting["partnership"]["viewerCan"]) == {"REMIND", "WITHDRAW"}


async def test_nothing_is_open_when_the_partnership_s_time_is_over(world: World, asking: Asking) -> None:
    host, guest = await world.organisation(), await world.organisation()
    mia, ada = await world.person(host), await world.person(host, Role.ORG_ADMIN)
    greta = await world.person(guest, Role.ORG_ADMIN)
    key = await world.partnership(mia, ada, greta, PartnershipState.ACTIVE)
    await world.owner.execute("UPDATE accord.partnerships SET expires_at = $2 WHERE id = $1", key, world.clock.now)
    seen = await asking.ask(ada, "query C($id: ID!) { partnership(id: $id) { viewerCan } }", id=f"partnership_{key}")
    assert seen["partnership"]["viewerCan"] == []


async def test_e_mail_addresses(town: Town) -> None:
    document = "query U($id: ID!) { node(id: $id) { ... on User { displayName email } } }"
    for who, whom, shown in (
        ("mia", "mia", True),
        ("ada", "mia", True),
        ("greta", "mia", False),
        ("greta", "carla", True),
        ("mia", "greta", True),
        ("ada", "greta", True),
    ):
        person = town.people[whom]
        data, errors = await town.asking.look(town.people[who], document, id=f"user_{person.id}")
        assert data["node"]["displayName"] == whom.capitalize()
        assert data["node"]["email"] == (person.email if shown else None)
        assert [error["extensions"]["code"] for error in errors] == ([] if shown else ["FORBIDDEN"])
    for who, whom in (("greta", "otto"), ("carla", "mia"), ("zoe", "ada"), ("otto", "greta")):
        assert await town.asking.codes(town.people[who], document, id=f"user_{town.people[whom].id}") == ["NOT_FOUND"]


async def test_an_auditor_reads_activity_and_nothing_else(town: Town) -> None:
    seen, errors = await town.asking.look(
        town.rita,
        """{ activity(filter: { types: ["share.added"] }) { totalCount edges { node { accountLabel account { id } } } }
             viewer { organisation { partnerships { totalCount } accounts { totalCount } members { totalCount } } }
           }""",
    )
    assert seen["activity"]["totalCount"] == 2
    assert all(edge["node"]["accountLabel"] for edge in seen["activity"]["edges"]), "named"
    assert seen["viewer"]["organisation"] == {
        "partnerships": {"totalCount": 0},
        "accounts": {"totalCount": 0},
        "members": None,
    }
    assert [error["extensions"]["code"] for error in errors] == ["FORBIDDEN"]


async def test_activity_of_a_partnership_and_an_account(town: Town) -> None:
    added = 'activity(filter: { types: ["share.added"] }) { totalCount edges { node { accountLabel data } } }'
    seen, errors = await town.read("ada", "Partnership", added)
    assert not errors
    assert seen["activity"]["totalCount"] == 2
    assert [edge["node"] for edge in seen["activity"]["edges"]] == [{"accountLabel": None, "data": None}] * 2, "Q31"
    seen, errors = await town.read("mia", "Account", added)
    assert seen["activity"]["totalCount"] == 1
    seen, errors = await town.read("greta", "Account", added)
    assert seen["activity"]["totalCount"] == 1
    assert not errors


async def test_the_operator_sees_organisations_and_no_data(town: Town) -> None:
    data, errors = await town.asking.look(
        None,
        "{ organisations { totalCount edges { node { name status partnersEnabled members { totalCount } } } } }",
    )
    assert data["organisations"]["totalCount"] == 4
    assert {error["extensions"]["code"] for error in errors} == {"FORBIDDEN"}
    assert await town.asking.codes(None, "query P($id: ID!) { partnership(id: $id) { id } }", id=town.partnership) == [
        "FORBIDDEN"
    ]
    assert await town.asking.codes(town.ada, "{ organisations { totalCount } }") == ["FORBIDDEN"]
