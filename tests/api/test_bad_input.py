"""Bad input over HTTP: each gets the stated refusal, changes nothing and writes no event but a sampled denial."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from tests.walkthroughs.acts import accept, ask_in, new_account, request, share
from tests.walkthroughs.served import URLs, serve
from tests.walkthroughs.story import OPERATOR, Story

pytestmark = pytest.mark.xdist_group("bad-input")

MISSING = "00000000-0000-7000-8000-000000000000"
NO_ADDRESS = (
    "",
    " ",
    "nobody",
    "nobody@",
    "@nowhere.example",
    "nobody@nowhere",
    "no body@nowhere.example",
    "nobody@nowhere..example",
    "nobody@@nowhere.example",
    "nobody@nowhere.example\nBcc: everybody@nowhere.example",
    "nobody@nowhere.example, somebody@nowhere.example",
    "Nobody <nobody@nowhere.example>",
    f"{'x' * 250}@nowhere.example",
)
CONTROLS = ("bad\x00bad", "bad\x1b[31m", "bad\x7fbad", "bad\x85bad")
PEOPLE = {
    "harbour": ("ada", "mia", "otto"),
    "lighthouse": ("greta", "carla", "dan", "eva"),
    "quill": ("quentin",),
    "ridge": ("ruth", "rosa"),
    "orchard": ("olga",),
    "meadow": ("max",),
}
WHITE = ("tab\there", "line\nfeed")


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the gateway keeps its keys, so that a test can sign with the development issuer's."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def story(module_database_urls: URLs, state: Path) -> Iterator[Story]:
    """Harbour shares two accounts with Lighthouse; Quill and Ridge live a partnership that is foreign to both."""
    with serve(module_database_urls, (OPERATOR,), {"ACCORD_STATE": str(state)}) as server:
        story = Story(server)
        for organisation, firsts in PEOPLE.items():
            for first in firsts:
                story.person(f"{first}@{organisation}.example", f"{first.title()} {organisation.title()}")
            story.ids[organisation] = story.found(f"{organisation.title()} Limited", story.people[firsts[0]])
        story.invite(story.ada, story.mia, story.otto)
        story.invite(story.greta, story.carla, story.dan, story.eva)
        story.invite(story.ruth, story.rosa)
        publish = ("publishTerms", "terms { id }")
        old = story.operator.does(*publish, version="2025-01", text="Terms of January.")["terms"]["id"]
        story.ids["old_terms"] = old
        story.ids["terms"] = story.operator.does(*publish, version="2025-06", text="Terms of June.")["terms"]["id"]
        partner(story, "ada", "lighthouse", "greta", "partnership")
        story.ada.does("transferPartnership", partnershipId=story.ids["partnership"], ownerUserId=story.mia.user)
        new_account(story, "mia", "desk", "Campaign desk", "Campaigner")
        new_account(story, "mia", "library", "Photo library", "Photos")
        new_account(story, "otto", "engine", "Booking engine", "Booker")
        partner(story, "quentin", "ridge", "ruth", "foreign_partnership")
        new_account(story, "quentin", "foreign_account", "Guest reviews", "Reviews")
        populate(story)
        yield story


def partner(story: Story, host_admin: str, guest: str, guest_admin: str, name: str) -> None:
    """A partnership that an admin of the host asked for and an admin of the guest accepted."""
    story.ids[name] = request(story, host_admin, guest, story.people[guest_admin].email)
    accept(story, guest_admin, story.ids[name])


def populate(story: Story) -> None:
    """Shares, grants and a pending request on both sides, and a request of Mia that waits for Ada."""
    share(story, "mia", "partnership", "desk", "ACCOUNT_MANAGER")
    ask_in(story, "greta", "mia", "desk", "dan")
    share(story, "quentin", "foreign_partnership", "foreign_account", "ACCOUNT_MANAGER")
    for name, owner, partnership in (
        ("grant", "mia", "partnership"),
        ("foreign_grant", "quentin", "foreign_partnership"),
    ):
        read = "shares { edges { node { grants { edges { node { id user { id } } } } } } }"
        shares = story.partnership(story.people[owner], story.ids[partnership], read)["shares"]
        story.ids[name] = shares["edges"][0]["node"]["grants"]["edges"][0]["node"]["id"]
    given = {"shareId": story.ids["desk_share"], "memberUserIds": [story.carla.user], "role": "COLLABORATOR"}
    item = story.greta.does("requestAccess", **given)["results"][0]["item"]
    story.ids["item"], story.kept["item_version"] = item["id"], item["version"]
    story.ids["waiting"] = request(story, "mia", "meadow", "max@meadow.example", reason="Breakfast")
    story.ids |= {"membership": story.mia.membership, "foreign_membership": story.ruth.membership}
    story.ids |= {"user": story.mia.user, "foreign_user": story.ruth.user}
    story.watchers = [story.ada, story.greta]
    story.expects_mails = False  # those of the set-up may still be on their way; the notices are counted


def wrong_ids(story: Story, kind: str, foreign: str) -> list[str]:
    """No ID at all, one of another type, one of nothing, one of another tenant's."""
    real = story.ids[foreign]
    other = story.ids["partnership"] if kind != "partnership" else story.ids["desk"]
    return [
        "",
        "nonsense",
        MISSING,
        f"{kind}_",
        f"{kind}_{MISSING}",
        f"{kind}_{MISSING}x",
        other,
        real,
        real.upper(),
        "7" * 300,
    ]


# --- IDs ----------------------------------------------------------------------------------------------------------

BY_ID: list[tuple[str, str, str, str, str, dict[str, Any]]] = [
    ("remindPartnership", "mia", "partnershipId", "partnership", "foreign_partnership", {}),
    ("approvePartnership", "ada", "partnershipId", "partnership", "foreign_partnership", {"expectedVersion": 1}),
    ("declinePartnership", "ada", "partnershipId", "partnership", "foreign_partnership", {"expectedVersion": 1}),
    ("refusePartnership", "greta", "partnershipId", "partnership", "foreign_partnership", {"expectedVersion": 1}),
    ("resendPartnership", "mia", "partnershipId", "partnership", "foreign_partnership", {}),
    ("withdrawPartnership", "mia", "partnershipId", "partnership", "foreign_partnership", {}),
    ("removePartner", "ada", "partnershipId", "partnership", "foreign_partnership", {}),
    ("unshareAccount", "mia", "shareId", "share", "foreign_account_share", {}),
    ("suspendShare", "mia", "shareId", "share", "foreign_account_share", {}),
    ("resumeShare", "mia", "shareId", "share", "foreign_account_share", {}),
    ("leaveShare", "greta", "shareId", "share", "foreign_account_share", {}),
    ("changeMemberRole", "mia", "grantId", "grant", "foreign_grant", {"role": "COLLABORATOR"}),
    ("withdrawAccessRequest", "greta", "itemId", "accessitem", "foreign_grant", {}),
    ("signInToAccount", "greta", "accountId", "account", "foreign_account", {}),
    ("updateAccount", "mia", "accountId", "account", "foreign_account", {"label": "New"}),
    ("archiveAccount", "mia", "accountId", "account", "foreign_account", {}),
    ("updateMember", "ada", "membershipId", "membership", "foreign_membership", {"displayName": "New"}),
    ("deactivateMember", "ada", "membershipId", "membership", "foreign_membership", {}),
    ("reactivateMember", "ada", "membershipId", "membership", "foreign_membership", {}),
    ("removeMember", "ada", "membershipId", "membership", "foreign_membership", {}),
]


@pytest.mark.parametrize(("mutation", "who", "field", "kind", "foreign", "given"), BY_ID, ids=[act[0] for act in BY_ID])
def test_wrong_missing_and_foreign_ids_are_one_answer(
    story: Story, mutation: str, who: str, field: str, kind: str, foreign: str, given: dict[str, Any]
) -> None:
    with story.unchanged():
        answers = [
            story.people[who].tries(mutation, **{field: bad}, **given) for bad in wrong_ids(story, kind, foreign)
        ]
    assert {answer["code"] for answer in answers} == {"NOT_FOUND"}
    assert len({answer["message"] for answer in answers}) == 1, "nothing tells a foreign ID from one of nothing"


def people_named(story: Story) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Acts that name a person besides their object: the act, who does it, the field, everything else."""
    partnership = {"partnershipId": story.ids["partnership"]}
    return [
        ("transferPartnership", "mia", "ownerUserId", partnership),
        ("setCoOwners", "mia", "userIds", partnership),
        ("setRepresentative", "greta", "userId", partnership),
        ("removeMemberFromPartnership", "mia", "userId", partnership),
        ("removeMemberFromShare", "mia", "userId", {"shareId": story.ids["desk_share"]}),
        ("setAccountOwners", "mia", "userIds", {"accountId": story.ids["desk"]}),
        ("requestAccess", "greta", "memberUserIds", {"shareId": story.ids["desk_share"], "role": "COLLABORATOR"}),
    ]


def test_people_who_are_wrong_missing_or_of_another_organisation(story: Story) -> None:
    for mutation, who, field, given in people_named(story):
        with story.unchanged():
            for bad in wrong_ids(story, "user", "foreign_user"):
                value = [bad] if field.endswith("s") else bad
                refusal = story.people[who].tries(mutation, **{field: value}, **given)
                assert refusal["code"] == "NOT_FOUND", (mutation, bad, refusal)


def test_wrong_ids_in_the_items_of_a_bulk_act(story: Story) -> None:
    with story.unchanged():
        for bad in wrong_ids(story, "account", "foreign_account"):
            items = [{"accountId": bad, "role": "COLLABORATOR"}]
            refusal = story.mia.tries("shareAccounts", partnershipId=story.ids["partnership"], items=items)
            assert refusal["code"] == "NOT_FOUND", (bad, refusal)
        for bad in wrong_ids(story, "accessitem", "foreign_grant"):
            refusal = story.mia.tries(
                "decideAccessRequests", items=[{"itemId": bad, "expectedVersion": 1, "accept": True}]
            )
            assert refusal["code"] == "NOT_FOUND", (bad, refusal)
        for bad in wrong_ids(story, "notification", "foreign_grant"):
            refusal = story.mia.tries("markNotificationsRead", notificationIds=[bad])
            assert refusal["code"] == "NOT_FOUND", (bad, refusal)


@pytest.mark.parametrize("field", ["partnership", "account", "node", "organisation"])
def test_lookups_by_wrong_missing_and_foreign_ids(story: Story, field: str) -> None:
    kind = "partnership" if field == "node" else field
    foreign = {"organisation": "orchard"}.get(kind, f"foreign_{kind}")
    with story.unchanged():
        for bad in [one for one in wrong_ids(story, kind, foreign) if field != "node" or one != story.ids["desk"]]:
            assert story.mia.denied(f"query Q($id: ID!) {{ {field}(id: $id) {{ id }} }}", id=bad) == ["NOT_FOUND"], bad


def test_an_organisation_that_is_not_the_callers(story: Story) -> None:
    with story.unchanged():
        for bad in (story.ids["lighthouse"], f"organisation_{MISSING}", story.ids["desk"], "nonsense", ""):
            for partnership in (story.ids["partnership"], story.ids["foreign_partnership"], "nonsense"):
                refusal = story.mia.tries("removePartner", organisationId=bad, partnershipId=partnership)
                assert refusal["code"] == "ORG_CONTEXT_MISMATCH", "refused before anything is looked up"


def test_tokens_of_mails_that_nobody_sent(story: Story) -> None:
    with story.unchanged():
        for bad in ("", "nonsense", "x" * 43, "x" * 5000, "../../etc", "%00"):
            assert story.mia.tries("acceptMembership", token=bad)["code"] == "NOT_FOUND"
            assert story.greta.tries("refusePartnership", token=bad, expectedVersion=1)["code"] == "NOT_FOUND"
            given = {"termsVersionId": story.ids["terms"], "consent": True, "expectedVersion": 1}
            assert story.greta.tries("acceptPartnership", token=bad, **given)["code"] == "NOT_FOUND"
            assert story.greta.denied("query Q($t: String!) { invitation(token: $t) { id } }", t=bad) == ["NOT_FOUND"]


# --- Partners -----------------------------------------------------------------------------------------------------


def test_handles_that_do_not_exist(story: Story) -> None:
    handle = story.handles[story.ids["orchard"]]
    with story.unchanged():
        for bad in ("", "nobody", handle[:-1], f"{handle}x", "%", "x" * 300, story.ids["orchard"], "Orchard Limited"):
            given = {"guestHandle": bad, "contactEmail": "nobody@nowhere.example", "reason": "Trips"}
            assert story.mia.tries("requestPartnership", **given)["code"] == "NOT_FOUND", bad
            assert story.mia.denied("query Q($h: String!) { partnerLookup(handle: $h) { name } }", h=bad) == [
                "NOT_FOUND"
            ]
            assert story.mia.denied("query Q($h: String!) { organisation(handle: $h) { id } }", h=bad) == ["NOT_FOUND"]


def test_an_organisation_is_no_partner_of_itself(story: Story) -> None:
    own = {"guestHandle": story.handles[story.ids["harbour"]], "contactEmail": "ada@harbour.example", "reason": "Us"}
    for person in (story.mia, story.ada):
        assert story.refused(person, "requestPartnership", "BAD_USER_INPUT", **own)["field"] == "guestHandle"


def test_a_second_partnership_with_the_same_guest(story: Story) -> None:
    for guest, contact in (("lighthouse", "greta@lighthouse.example"), ("meadow", "max@meadow.example")):
        given = {"guestHandle": story.handles[story.ids[guest]], "contactEmail": contact, "reason": "Again"}
        for person in (story.mia, story.ada, story.otto):
            refusal = story.refused(person, "requestPartnership", "CONFLICT", **given)
            assert "already" in refusal["message"] or "waiting" in refusal["message"], refusal
            assert "you read" not in refusal["message"]


def test_accepting_without_consent_or_with_old_terms(story: Story) -> None:
    partnership = request(story, "ada", "orchard", "olga@orchard.example")
    version = story.version(story.olga, partnership)
    given = {
        "partnershipId": partnership,
        "expectedVersion": version,
        "consent": True,
        "termsVersionId": story.ids["terms"],
    }
    assert (
        story.refused(story.olga, "acceptPartnership", "BAD_USER_INPUT", **given | {"consent": False})["field"]
        == "consent"
    )
    for terms in (story.ids["old_terms"], f"terms_{MISSING}", "nonsense", story.ids["desk"]):
        wrong = given | {"termsVersionId": terms}
        refusal = story.refused(story.olga, "acceptPartnership", "BAD_USER_INPUT", "NOT_FOUND", **wrong)
        assert terms != story.ids["old_terms"] or refusal["field"] == "termsVersionId"
    both = given | {"token": "both-of-them"}
    story.refused(story.olga, "acceptPartnership", "BAD_USER_INPUT", **both)
    story.refused(story.olga, "acceptPartnership", "BAD_USER_INPUT", **given | {"partnershipId": None})
    story.refused(story.olga, "acceptPartnership", "CONFLICT", **given | {"expectedVersion": version + 1})
    decided_twice(story, given)


def decided_twice(story: Story, given: dict[str, Any]) -> None:
    """Accepting again, with the version of then and with the version of now; refusing and withdrawing come too late."""
    partnership = given["partnershipId"]
    story.olga.does("acceptPartnership", **given)
    story.refused(story.olga, "acceptPartnership", "CONFLICT", "INVALID_STATE", **given)
    now = {"partnershipId": partnership, "expectedVersion": story.version(story.olga, partnership)}
    assert story.refused(story.olga, "acceptPartnership", "INVALID_STATE", **given | now)["state"] == "ACTIVE"
    story.refused(story.olga, "refusePartnership", "INVALID_STATE", **now)
    story.refused(story.ada, "approvePartnership", "INVALID_STATE", "FORBIDDEN", **now)
    story.refused(story.ada, "declinePartnership", "INVALID_STATE", "FORBIDDEN", **now)
    story.refused(story.ada, "withdrawPartnership", "INVALID_STATE", **now)
    story.ids["orchard_partnership"] = partnership


def test_deciding_a_request_twice(story: Story) -> None:
    partnership = request(story, "otto", "quill", "quentin@quill.example", reason="Reviews")
    decision = {"partnershipId": partnership, "expectedVersion": story.version(story.ada, partnership)}
    story.ada.does("declinePartnership", **decision)
    story.refused(story.ada, "declinePartnership", "CONFLICT", "INVALID_STATE", **decision)
    now = decision | {"expectedVersion": story.version(story.ada, partnership)}
    for again in ("declinePartnership", "approvePartnership"):
        assert story.refused(story.ada, again, "INVALID_STATE", **now)["state"] == "DECLINED_BY_HOST"


# --- Sharing ------------------------------------------------------------------------------------------------------


def test_sharing_an_account_one_does_not_own(story: Story) -> None:
    for account in ("engine", "foreign_account"):
        items = [{"accountId": story.ids[account], "role": "COLLABORATOR"}]
        given = {"partnershipId": story.ids["partnership"], "items": items}
        story.refused(story.mia, "shareAccounts", "NOT_FOUND", **given)
    mine = [{"accountId": story.ids["library"], "role": "COLLABORATOR"}]
    story.refused(
        story.ada, "shareAccounts", "FORBIDDEN", "NOT_FOUND", partnershipId=story.ids["partnership"], items=mine
    )


def test_requesting_access_for_a_person_of_another_organisation(story: Story) -> None:
    for person in (story.ruth, story.mia, story.max):
        given = {"shareId": story.ids["desk_share"], "memberUserIds": [person.user], "role": "COLLABORATOR"}
        story.refused(story.greta, "requestAccess", "NOT_FOUND", **given)
    pending = {"shareId": story.ids["desk_share"], "memberUserIds": [story.carla.user], "role": "COLLABORATOR"}
    story.refused(story.greta, "requestAccess", "INVALID_STATE", "BAD_USER_INPUT", **pending)
    twice = pending | {"memberUserIds": [story.carla.user, story.carla.user]}
    story.refused(story.greta, "requestAccess", "INVALID_STATE", "BAD_USER_INPUT", **twice)


def test_deciding_an_access_request_twice(story: Story) -> None:
    share(story, "mia", "partnership", "library", "ACCOUNT_MANAGER")
    wish = {"shareId": story.ids["library_share"], "memberUserIds": [story.dan.user], "role": "COLLABORATOR"}
    item = story.greta.does("requestAccess", **wish)["results"][0]["item"]
    decision = {"itemId": item["id"], "expectedVersion": item["version"], "accept": False}
    decided = story.mia.does("decideAccessRequests", items=[decision])["results"][0]["item"]
    story.refused(story.mia, "decideAccessRequests", "CONFLICT", "INVALID_STATE", items=[decision])
    for accepting in (True, False):
        again = decision | {"expectedVersion": decided["version"], "accept": accepting}
        story.refused(story.mia, "decideAccessRequests", "INVALID_STATE", items=[again])
    story.refused(story.greta, "withdrawAccessRequest", "INVALID_STATE", itemId=item["id"])


def test_acting_on_a_removed_partnership(story: Story) -> None:
    partner(story, "ada", "ridge", "ruth", "over")
    new_account(story, "ada", "minutes", "Board minutes", "Minutes")
    share(story, "ada", "over", "minutes", "ACCOUNT_MANAGER")
    item = pending_of_removed(story)
    story.ada.does("removePartner", partnershipId=story.ids["over"])
    with story.unchanged():
        for mutation, who, given in late_acts(story, item):
            refusal = story.people[who].tries(mutation, **given)
            assert refusal["code"] in {"INVALID_STATE", "FORBIDDEN", "NOT_FOUND"}, (mutation, refusal)
            if "partnershipId" in given and refusal["code"] == "INVALID_STATE":
                assert refusal["state"] == "TERMINATED", (mutation, refusal)


def late_acts(story: Story, item: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Everything that the partnership allowed or might have allowed before it ended."""
    over = {"partnershipId": story.ids["over"], "expectedVersion": story.version(story.ada, story.ids["over"])}
    shared = {"shareId": story.ids["minutes_share"]}
    account = {"accountId": story.ids["minutes"]}
    decision = {"itemId": item["id"], "expectedVersion": item["version"] + 1, "accept": True}
    wish = {"memberUserIds": [story.rosa.user], "role": "COLLABORATOR"}
    return [
        ("removePartner", "ada", over),
        ("removePartner", "ruth", over),
        ("remindPartnership", "ada", over),
        ("approvePartnership", "ada", over),
        ("declinePartnership", "ada", over),
        ("acceptPartnership", "ruth", over | {"termsVersionId": story.ids["terms"], "consent": True}),
        ("refusePartnership", "ruth", over),
        ("resendPartnership", "ada", over),
        ("withdrawPartnership", "ada", over),
        ("transferPartnership", "ada", over | {"ownerUserId": story.mia.user}),
        ("setCoOwners", "ada", over | {"userIds": [story.mia.user]}),
        ("setRepresentative", "ruth", over | {"userId": story.rosa.user}),
        ("shareAccounts", "ada", over | {"items": [account | {"role": "COLLABORATOR"}]}),
        ("removeMemberFromPartnership", "ada", {"partnershipId": over["partnershipId"], "userId": story.ruth.user}),
        ("unshareAccount", "ada", shared),
        ("suspendShare", "ada", shared),
        ("resumeShare", "ada", shared),
        ("removeMemberFromShare", "ada", shared | {"userId": story.ruth.user}),
        ("leaveShare", "ruth", shared),
        ("requestAccess", "ruth", shared | wish),
        ("signInToAccount", "ruth", account),
        ("withdrawAccessRequest", "ruth", {"itemId": item["id"]}),
        ("decideAccessRequests", "ada", {"items": [decision]}),
    ]


def pending_of_removed(story: Story) -> dict[str, Any]:
    """A request that waits on the account which the removed partnership had shared."""
    wish = {"shareId": story.ids["minutes_share"], "memberUserIds": [story.rosa.user], "role": "COLLABORATOR"}
    item: dict[str, Any] = story.ruth.does("requestAccess", **wish)["results"][0]["item"]
    return item


def test_501_items(story: Story) -> None:
    shared = {"shareId": story.ids["desk_share"], "role": "COLLABORATOR"}
    decision = {"itemId": f"accessitem_{MISSING}", "expectedVersion": 1, "accept": True}
    account = {"accountId": f"account_{MISSING}", "role": "COLLABORATOR"}
    bulk: list[tuple[str, str, str, dict[str, Any], object]] = [
        ("shareAccounts", "mia", "items", {"partnershipId": story.ids["partnership"]}, account),
        ("requestAccess", "greta", "memberUserIds", shared, f"user_{MISSING}"),
        ("decideAccessRequests", "mia", "items", {}, decision),
    ]
    for mutation, who, field, given, item in bulk:
        refusal = story.refused(story.people[who], mutation, "BAD_USER_INPUT", **given, **{field: [item] * 501})
        assert "500" in refusal["message"]
        assert "501" in refusal["message"], "the limit and the actual count"
    items = [decision | {"itemId": f"accessitem_{MISSING[:-3]}{number:03}"} for number in range(500)]
    with story.unchanged():
        answer = story.mia.send("decideAccessRequests", "", {"items": items})
    results = answer.data["decideAccessRequests"]["results"]
    assert [result["error"]["code"] for result in results] == ["NOT_FOUND"] * 500, "500 are answered one by one"


# --- Texts --------------------------------------------------------------------------------------------------------


def test_an_email_address_that_is_none(story: Story) -> None:
    guest = {"guestHandle": story.handles[story.ids["quill"]], "reason": "Reviews"}
    organisation = {"name": "New", "countryCode": "CH", "adminDisplayName": "Nobody"}
    with story.unchanged():
        for bad in (*NO_ADDRESS, *CONTROLS):
            assert story.mia.tries("requestPartnership", contactEmail=bad, **guest)["code"] == "BAD_USER_INPUT", bad
            assert story.ada.tries("inviteMember", email=bad, displayName="Nobody")["code"] == "BAD_USER_INPUT", bad
            refusal = story.operator.tries("createOrganisation", adminEmail=bad, **organisation)
            assert refusal["code"] == "BAD_USER_INPUT", bad


def names(story: Story) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Every input that takes a name in one line: the act, who does it, the field, everything else."""
    account = {"label": "Label", "app": "App", "launchUrl": "https://app.example/"}
    member = {"email": "new@harbour.example", "displayName": "New"}
    organisation = {"name": "New", "countryCode": "CH", "adminEmail": "new@new.example", "adminDisplayName": "New"}
    return [
        ("createAccount", "mia", "label", account),
        ("createAccount", "mia", "app", account),
        ("createAccount", "mia", "category", account),
        ("updateAccount", "mia", "label", {"accountId": story.ids["desk"]}),
        ("updateAccount", "mia", "app", {"accountId": story.ids["desk"]}),
        ("updateAccount", "mia", "category", {"accountId": story.ids["desk"]}),
        ("inviteMember", "ada", "displayName", member),
        ("updateMember", "ada", "displayName", {"membershipId": story.ids["membership"]}),
        ("updateProfile", "mia", "displayName", {}),
        ("createOrganisation", "olivia", "name", organisation),
        ("createOrganisation", "olivia", "adminDisplayName", organisation),
    ]


def texts(story: Story) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Every input that takes a reason or a note, each on an object on which the act is possible now."""
    partnership = {"partnershipId": story.ids["partnership"]}
    waiting = {"partnershipId": story.ids["waiting"], "expectedVersion": story.version(story.ada, story.ids["waiting"])}
    new = {"guestHandle": story.handles[story.ids["quill"]], "contactEmail": "quentin@quill.example"}
    shared = {"shareId": story.ids["desk_share"]}
    member = {"membershipId": story.otto.membership}
    return [
        ("requestPartnership", "mia", "reason", new),
        ("declinePartnership", "ada", "reason", waiting),
        ("withdrawPartnership", "mia", "reason", waiting),
        ("removePartner", "mia", "reason", partnership),
        ("suspendShare", "mia", "reason", shared),
        ("requestAccess", "greta", "note", shared | {"memberUserIds": [story.eva.user], "role": "COLLABORATOR"}),
        ("deactivateMember", "ada", "reason", member),
        ("removeMember", "ada", "reason", member),
    ]


def test_control_characters_and_length_of_names(story: Story) -> None:
    for mutation, who, field, given in names(story):
        bad = [*CONTROLS, *WHITE, "é" * 201]
        if field != "category":
            bad += ["", "   "]
        with story.unchanged():
            for value in bad:
                refusal = story.people[who].tries(mutation, **given | {field: value})
                assert refusal["code"] == "BAD_USER_INPUT", (mutation, field, value, refusal)
    assert story.mia.ask("{ viewer { user { displayName } } }")["viewer"]["user"] == {"displayName": "Mia Harbour"}


def test_control_characters_and_length_of_texts(story: Story) -> None:
    for mutation, who, field, given in texts(story):
        with story.unchanged():
            for value in (*CONTROLS, "é" * 10_001):
                refusal = story.people[who].tries(mutation, **given | {field: value})
                assert refusal["code"] == "BAD_USER_INPUT", (mutation, field, value[:20], refusal)
    decision = {"itemId": story.ids["item"], "expectedVersion": story.kept["item_version"], "accept": False}
    for value in (*CONTROLS, "x" * 10_001):
        story.refused(story.mia, "decideAccessRequests", "BAD_USER_INPUT", items=[decision | {"note": value}])


def test_the_longest_legal_texts(story: Story) -> None:
    label = "Ü" * 200
    made = story.mia.does(
        "createAccount", "account { label }", label=label, app="App", launchUrl="https://app.example/"
    )
    assert made["account"] == {"label": label}
    note = "tab\there\nline feed\n" + "ü" * 9_981
    decision = {
        "itemId": story.ids["item"],
        "expectedVersion": story.kept["item_version"],
        "accept": False,
        "note": note,
    }
    (decided,) = story.mia.does("decideAccessRequests", items=[decision])["results"]
    assert decided["item"]["decisionNote"] == note


def test_nul_and_lone_surrogates_wherever_a_string_goes(story: Story) -> None:
    legal = {"NOT_FOUND", "BAD_USER_INPUT", "BAD_REQUEST", "ORG_CONTEXT_MISMATCH"}
    with story.unchanged():
        for bad in ("\x00", "a\x00b", "\ud800", "a\udfffb"):
            for document in (
                "query Q($x: ID!) { node(id: $x) { id } }",
                "query Q($x: String!) { partnerLookup(handle: $x) { name } }",
                "query Q($x: String!) { organisation(handle: $x) { id } }",
                "query Q($x: String!) { invitation(token: $x) { id } }",
                "query Q($x: String!) { viewer { sharedAccounts(search: $x) { totalCount } } }",
                "query Q($x: String!) { viewer { sharedAccounts(after: $x) { totalCount } } }",
                "query Q($x: String!) { activity(filter: { app: $x }) { totalCount } }",
            ):
                answer = story.mia.look(document, x=bad)
                assert answer.codes, (document, answer.data)
                assert set(answer.codes) <= legal, (document, answer.errors)
            assert story.mia.tries("removePartner", partnershipId=bad)["code"] in legal
            assert story.mia.tries("removePartner", organisationId=bad, partnershipId=bad)["code"] in legal


# --- Tokens -------------------------------------------------------------------------------------------------------


def claims(story: Story, **other: object) -> dict[str, Any]:
    now = int(time.time())
    issuer = f"{story.server.url}/dev/issuer"
    mine = {"iss": issuer, "aud": "accord", "sub": "mia@harbour.example", "email": "mia@harbour.example", "iat": now}
    return mine | {"exp": now + 600, "jti": f"bad-input-{time.monotonic_ns()}"} | other


def bad_tokens(story: Story, state: Path) -> dict[str, str]:
    """Tokens that differ from a good one in one thing each; the good one is under `good`."""
    key = OKPKey.import_key(json.loads((state / "development-issuer.json").read_text()))
    stranger = OKPKey.generate_key("Ed25519")
    configuration = story.server.http.get("/dev/issuer/.well-known/openid-configuration").json()
    head = {"alg": configuration["id_token_signing_alg_values_supported"][0], "kid": key.thumbprint()}
    now = int(time.time())

    def signed(given: dict[str, Any], header: dict[str, Any] = head, by: Any = key) -> str:
        return jwt.encode(header, given, by, algorithms=[header["alg"]])

    good, other = signed(claims(story)), signed(claims(story, sub="ada@harbour.example"))
    first, body, _ = good.split(".")
    return {
        "good": good,
        "expired": signed(claims(story, exp=now - 60)),
        "expired this second": signed(claims(story, exp=now - 1)),
        "without an end": signed({name: value for name, value in claims(story).items() if name != "exp"}),
        "unsigned": jwt.encode({"alg": "none"}, claims(story), OctKey.generate_key(), algorithms=["none"]),
        "signature left out": f"{first}.{body}.",
        "signature of another token": f"{first}.{body}.{other.split('.')[2]}",
        "another issuer": signed(claims(story, iss="https://issuer.elsewhere.example")),
        "another issuer's key": signed(claims(story), by=stranger),
        "public key as a secret": signed_with_public_key(claims(story), head | {"alg": "HS256"}, key),
        "another audience": signed(claims(story, aud="somebody-else")),
        "nobody": signed({name: value for name, value in claims(story).items() if name != "sub"}),
        "not yet": signed(claims(story, nbf=now + 3600)),
        "names its own key": signed(claims(story), head | {"jku": "https://elsewhere.example/keys"}),
        "9 KiB long": signed(claims(story, padding="x" * 9 * 1024)),
        "words": "not a token",
        "two parts": f"{first}.{body}",
        "": "",
    }


def signed_with_public_key(given: dict[str, Any], header: dict[str, Any], key: OKPKey) -> str:
    """What a checker takes that lets the token choose its algorithm."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    message = f"{part(json.dumps(header).encode())}.{part(json.dumps(given).encode())}"
    return f"{message}.{part(hmac.digest(key.as_pem(private=False), message.encode(), 'sha256'))}"


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_tokens_that_prove_nothing(story: Story, state: Path) -> None:
    tokens = bad_tokens(story, state)
    query = {"query": "{ viewer { user { displayName } } }"}
    http = story.server.http
    good = http.post("/graphql", json=query, headers={"authorization": f"Bearer {tokens.pop('good')}"})
    assert good.status_code == 200, good.text
    assert good.json()["data"]["viewer"]["user"] == {"displayName": "Mia Harbour"}, "the control"
    with story.unchanged():
        hers = f'filter: {{ types: ["signin.platform"], userId: "{story.mia.user}" }}'
        signed_in = f"{{ viewer {{ organisation {{ activity({hers}) {{ totalCount }} }} }} }}"
        before = story.ada.ask(signed_in)
        for name, token in tokens.items():
            headers = {"authorization": f"Bearer {token}".strip()}
            refused = http.post("/graphql", json=query, headers=headers)
            assert refused.status_code == 401, (name, refused.text)
            assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED", name
            assert "data" not in refused.json()
            assert refused.headers["www-authenticate"].startswith("Bearer")
            assert http.get("/exports/activity.csv", headers=headers).status_code == 401, name
        assert http.post("/graphql", json=query).status_code == 401
        assert http.post("/graphql", json=query, headers={"authorization": "Basic bWlhOm1pYQ=="}).status_code == 401
        assert story.ada.ask(signed_in) == before
