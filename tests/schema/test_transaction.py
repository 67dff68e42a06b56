"""What stands between an input and a service: the organisation first, lengths before anything, then IDs."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from strawberry import ID

from accord.domain.errors import NotFound, ValidationError
from accord.domain.ids import global_id
from accord.domain.organisation import Role
from accord.domain.sharing import AccountRole
from accord.schema.mutations.sharing import ShareAccountItem, ShareAccountsInput
from accord.schema.transaction import LONGEST_LIST, arguments, check_lengths
from accord.services.grants.sharing import ShareItem
from tests.schema.conftest import Asking
from tests.world import Person, World

SHARE = """
mutation Share($input: ShareAccountsInput!) { shareAccounts(input: $input) {
  partnership { id } results { share { id account { id } } error { code path } }
  errors {
    code path ... on OrganisationContextMismatch { expected actual } ... on ValidationError { field }
  }
} }
"""
CREATE = """
mutation Create($input: CreateAccountInput!) { createAccount(input: $input) {
  account { id version label viewerRole owners { displayName } } errors { code path }
} }
"""


def item(account: UUID | str) -> dict[str, str]:
    return {
        "accountId": str(account) if isinstance(account, str) else global_id("account", account),
        "role": "COLLABORATOR",
    }


async def connected(world: World) -> tuple[Person, Person, UUID]:
    """An owner at the host, an admin of the guest and their partnership."""
    host, guest = await world.organisation(), await world.organisation()
    mia, ada = await world.person(host), await world.person(host, Role.ORG_ADMIN)
    greta = await world.person(guest, Role.ORG_ADMIN)
    return mia, greta, await world.partnership(mia, ada, greta)


async def test_the_organisation_is_refused_before_anything_else_is_looked_at(world: World, asking: Asking) -> None:
    mia, greta, _ = await connected(world)
    for named in (global_id("organisation", greta.organisation.id), f"organisation_{uuid4()}", "nonsense", ""):
        given = {"organisationId": named, "partnershipId": "malformed", "items": [item("malformed")]}
        payload = (await asking.ask(mia, SHARE, input=given))["shareAccounts"]
        (error,) = payload["errors"]
        assert (error["code"], error["path"]) == ("ORG_CONTEXT_MISMATCH", ["organisationId"])
        assert error["expected"] == named
        assert payload["results"] == []


async def test_malformed_and_foreign_ids_of_an_input_are_not_found_at_their_place(world: World, asking: Asking) -> None:
    mia, _, partnership = await connected(world)
    own = {"organisationId": global_id("organisation", mia.organisation.id)}
    given = own | {"partnershipId": "user_" + str(partnership), "items": [item(uuid4())]}
    assert (await asking.ask(mia, SHARE, input=given))["shareAccounts"]["errors"][0]["path"] == ["partnershipId"]
    given = own | {"partnershipId": global_id("partnership", partnership), "items": [item(uuid4()), item("x")]}
    (error,) = (await asking.ask(mia, SHARE, input=given))["shareAccounts"]["errors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["items", "1", "accountId"])


async def test_more_than_500_items_are_refused_before_anything(world: World, asking: Asking) -> None:
    mia, _, _ = await connected(world)
    given = {"organisationId": "nonsense", "partnershipId": "nonsense", "items": [item("x")] * (LONGEST_LIST + 1)}
    (error,) = (await asking.ask(mia, SHARE, input=given))["shareAccounts"]["errors"]
    assert (error["code"], error["field"]) == ("BAD_USER_INPUT", "items")


async def test_a_bulk_act_answers_item_by_item(world: World, asking: Asking) -> None:
    mia, greta, partnership = await connected(world)
    mine, foreign = await world.account(mia), await world.account(greta)
    given = {
        "organisationId": global_id("organisation", mia.organisation.id),
        "partnershipId": global_id("partnership", partnership),
        "items": [item(mine), item(foreign)],
    }
    payload = (await asking.ask(mia, SHARE, input=given))["shareAccounts"]
    first, second = payload["results"]
    assert payload["errors"] == []
    assert payload["partnership"] == {"id": given["partnershipId"]}
    assert first["share"]["account"] == {"id": global_id("account", mine)}
    assert first["error"] is None
    assert second == {"share": None, "error": {"code": "NOT_FOUND", "path": ["items", "1", "accountId"]}}


async def test_the_payload_reads_what_was_committed(world: World, asking: Asking) -> None:
    person = await world.person(await world.organisation(), name="Mia")
    own = global_id("organisation", person.organisation.id)
    document = CREATE.replace("mutation Create", "mutation Both").replace(
        "createAccount(input: $input)", "first: createAccount(input: $input)"
    )
    document = document.rstrip().removesuffix("}") + (
        ' second: updateProfile(input: { displayName: "Maria" }) { user { displayName } errors { code } } }'
    )
    given = {"organisationId": own, "app": "Ledger", "label": "Books", "launchUrl": "https://ledger.example/"}
    answer = await asking.ask(person, document, input=given)
    assert answer["first"]["errors"] == []
    assert answer["first"]["account"]["viewerRole"] == "ACCOUNT_OWNER"
    assert answer["first"]["account"]["owners"] == [{"displayName": "Mia"}]
    assert answer["second"] == {"user": {"displayName": "Maria"}, "errors": []}


async def test_gate_1_answers_null_and_one_error(world: World, asking: Asking) -> None:
    person = await world.person(await world.organisation())
    given = 'name: "X", countryCode: "NO", adminEmail: "a@b.example", adminDisplayName: "A"'
    document = f"mutation {{ createOrganisation(input: {{ {given} }}) {{ errors {{ code }} }} }}"
    data, errors = await asking.look(person, document)
    assert data == {"createOrganisation": None}
    assert [(error["path"], error["extensions"]["code"]) for error in errors] == [(["createOrganisation"], "FORBIDDEN")]


def test_an_input_becomes_the_service_s_arguments() -> None:
    key, person = uuid4(), uuid4()
    made = arguments(
        ShareAccountsInput(
            organisation_id=ID(f"organisation_{key}"),
            partnership_id=ID(f"partnership_{key}"),
            items=[
                ShareAccountItem(
                    account_id=ID(f"account_{key}"),
                    role=AccountRole.COLLABORATOR,
                    recipient_user_ids=[ID(f"user_{person}")],
                )
            ],
        )
    )
    assert made == {
        "organisation_id": key,
        "partnership_id": key,
        "expected_version": None,
        "items": [ShareItem(key, AccountRole.COLLABORATOR, [person])],
    }


def test_ids_in_lists_name_their_place() -> None:
    wrong = ShareAccountItem(account_id=ID("account_x"), role=AccountRole.COLLABORATOR)
    with pytest.raises(NotFound) as refused:
        arguments(
            ShareAccountsInput(organisation_id=ID("x"), partnership_id=ID(f"partnership_{uuid4()}"), items=[wrong])
        )
    assert refused.value.path == ("organisationId",)
    with pytest.raises(NotFound) as refused:
        arguments(wrong, ("items", "4"))
    assert refused.value.path == ("items", "4", "accountId")


def test_a_long_list_inside_a_list_is_refused_too() -> None:
    many = ShareAccountItem(account_id=ID(""), role=AccountRole.COLLABORATOR, recipient_user_ids=[ID("x")] * 501)
    with pytest.raises(ValidationError) as refused:
        check_lengths(ShareAccountsInput(organisation_id=ID(""), partnership_id=ID(""), items=[many]))
    assert refused.value.field == "recipientUserIds"
