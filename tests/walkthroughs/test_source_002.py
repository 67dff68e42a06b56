"""Source 002 lived row by row, S37 to S91, in the order of its text (S65 and S66 are the directory's, with SCIM).

One world, one story: every test leaves the world as the next one finds it. It speaks HTTP to a started gateway, reads
mails from a real SMTP sink and the CSV with a CSV reader. A row about a screen holds as the fact it rests on (Q29): a
list is a connection, a form is an input, a disabled button is an action missing from `viewerCan` and a mutation that is
refused. Every refusal also shows that nothing has changed.

Harbour Hotels is the host: Ada and Arne are its admins; Mia, Otto, Nils and Petra are plain members.
Lighthouse Agency is the guest of the main story: Greta and Gustav are its admins, Carla, Dan, Eva and Fred its staff.
Orchard Tours, Quill Partners and Ridge Media are guests in other partnerships; Meadow Foods is without the feature.
"""

import csv
import io
import re

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.walkthroughs.acts import (
    ACTIVITY,
    DIRECTORY,
    PENDING,
    SHARES,
    TERMS,
    accept,
    accounts_seen,
    activity_of,
    approve,
    ask_in,
    export,
    fields_of,
    grant_of,
    is_dead,
    members_seen,
    new_account,
    redeem,
    request,
    share,
    sign_in,
)
from tests.walkthroughs.story import Story, nodes

pytestmark = pytest.mark.xdist_group("source-002")

COLUMNS = ["Time", "Event", "Account", "App", "User", "Location", "OS", "Device"]

# --- What a partnership is, on a first one that is lived quickly --------------------------------------------------


def test_s37_share_access_with_people_outside_the_domain(story: Story) -> None:
    assert story.shared_with(story.olga) == {}
    new_account(story, "petra", "tour_calendar", "Tour calendar", "Calendar")

    story.ids["orchard_partnership"] = request(story, "petra", "orchard", "olga@orchard.example", reason="Day trips")
    story.mails.expect("ada@harbour.example", "arne@harbour.example")
    approve(story, "ada", story.ids["orchard_partnership"])
    story.mails.expect("olga@orchard.example", "petra@harbour.example")
    with story.unchanged():
        assert story.olga.tries("signInToAccount", accountId=story.ids["tour_calendar"])["code"] == "NOT_FOUND"
    accept(story, "olga", story.ids["orchard_partnership"])
    story.mails.expect("petra@harbour.example", "ada@harbour.example", "arne@harbour.example", "olga@orchard.example")
    share(story, "petra", "orchard_partnership", "tour_calendar", "ACCOUNT_MANAGER")
    story.mails.expect("olga@orchard.example")

    assert story.shared_with(story.olga) == {"Tour calendar": "H"}
    homes = story.olga.ask("{ viewer { memberships { organisation { name } } } }")["viewer"]["memberships"]
    assert [home["organisation"]["name"] for home in homes] == ["Orchard Tours"], "an outsider stays one"


def test_s38_a_partnership_connects_two_existing_organisations_and_their_admins_manage_it(story: Story) -> None:
    partnership = story.ids["orchard_partnership"]
    sides = story.partnership(story.olga, partnership, "state path host { id name } guest { id name }")
    assert sides == {
        "state": "ACTIVE",
        "path": "HOST_REQUEST",
        "host": {"id": story.ids["harbour"], "name": "Harbour Hotels"},
        "guest": {"id": story.ids["orchard"], "name": "Orchard Tours"},
    }
    for admin in (story.ada, story.arne, story.olga):
        assert "REMOVE" in story.partnership(admin, partnership)["viewerCan"]
    story.refused(story.omar, "removePartner", "FORBIDDEN", "NOT_FOUND", partnershipId=partnership)
    given = {"contactEmail": "nobody@nowhere.example", "reason": "To find somebody"}
    story.refused(story.nils, "requestPartnership", "NOT_FOUND", guestHandle="nobodyisthere", **given)
    own = story.handles[story.ids["harbour"]]
    story.refused(story.nils, "requestPartnership", "BAD_USER_INPUT", guestHandle=own, **given)


def test_s39_it_is_a_request_of_the_host_accepted_by_a_representative_of_the_guest(story: Story) -> None:
    read = """representative { displayName }
      attempts { edges { node { number guestDecision guestDecidedBy { displayName } } } }"""
    for viewer in (story.petra, story.ada, story.olga):
        seen = story.partnership(viewer, story.ids["orchard_partnership"], read)
        assert seen["representative"] == {"displayName": "Olga Orchard"}
        assert nodes(seen["attempts"]) == [
            {"number": 1, "guestDecision": "ACCEPTED", "guestDecidedBy": {"displayName": "Olga Orchard"}}
        ]
    told = """attempts { edges { node {
      submittedBy { displayName } hostDecision hostDecidedBy { displayName } reason } } }"""
    (attempt,) = nodes(story.partnership(story.petra, story.ids["orchard_partnership"], told)["attempts"])
    assert attempt["submittedBy"] == {"displayName": "Petra Harbour"}
    assert attempt["hostDecision"] == "APPROVED"
    assert attempt["hostDecidedBy"] == {"displayName": "Ada Harbour"}
    assert attempt["reason"] == "Day trips"


def test_s40_the_host_keeps_control_of_the_shared_account_and_sees_how_it_is_used(story: Story) -> None:
    account, shared = story.ids["tour_calendar"], story.ids["tour_calendar_share"]
    assert set(story.account(story.olga, account)["viewerCan"]) == {"SIGN_IN", "REQUEST_ACCESS", "LEAVE"}
    never = ("FORBIDDEN", "NOT_FOUND")
    story.refused(story.olga, "updateAccount", *never, accountId=account, label="Ours")
    story.refused(story.olga, "updateAccount", *never, accountId=account, launchUrl="https://elsewhere.example/")
    story.refused(story.olga, "setAccountOwners", *never, accountId=account, userIds=[story.olga.user])
    story.refused(story.olga, "archiveAccount", *never, accountId=account)
    story.refused(story.olga, "unshareAccount", *never, shareId=shared)
    story.refused(story.olga, "suspendShare", *never, shareId=shared)

    sign_in(story, "olga", "tour_calendar")
    read = """
        activity(filter: { types: ["signin.account"] }) { edges { node { userName os device } } }
        grants { edges { node { lastUsedAt } } }
    """
    used = story.account(story.petra, account, read)
    assert nodes(used["activity"]) == [{"userName": "Olga Orchard", "os": "iOS", "device": "iPhone"}]
    assert [grant["lastUsedAt"] is not None for grant in nodes(used["grants"])] == [True]


def test_s41_an_account_manager_asks_the_owner_to_share_with_named_members(story: Story) -> None:
    with story.unchanged():
        assert story.omar.tries("signInToAccount", accountId=story.ids["tour_calendar"])["code"] == "NOT_FOUND"
    filed = story.olga.does(
        "requestAccess",
        shareId=story.ids["tour_calendar_share"],
        memberUserIds=[story.omar.user],
        role="ACCOUNT_MANAGER",
    )
    (item,) = (result["item"] for result in filed["results"])
    assert item["state"] == "PENDING"
    assert item["member"] == {"id": story.omar.user}
    story.mails.expect("petra@harbour.example")
    assert story.shared_with(story.omar) == {}, "asking gives nothing"
    decision = {"itemId": item["id"], "expectedVersion": item["version"], "accept": True}
    story.petra.does("decideAccessRequests", items=[decision])
    story.mails.expect("olga@orchard.example", "omar@orchard.example")
    assert sign_in(story, "omar", "tour_calendar")["account"] == {"id": story.ids["tour_calendar"]}


def test_s42_an_account_manager_neither_manages_people_nor_reaches_security_settings(story: Story) -> None:
    account, shared = story.ids["tour_calendar"], story.ids["tour_calendar_share"]
    assert story.account(story.omar, account)["viewerRole"] == "ACCOUNT_MANAGER"
    never = ("FORBIDDEN", "NOT_FOUND")
    story.refused(story.omar, "removeMemberFromShare", *never, shareId=shared, userId=story.olga.user)
    partnership = story.ids["orchard_partnership"]
    story.refused(story.omar, "removeMemberFromPartnership", *never, partnershipId=partnership, userId=story.olga.user)
    story.refused(story.omar, "updateMember", *never, membershipId=story.olga.membership, displayName="Olga the Second")
    story.refused(story.omar, "deactivateMember", *never, membershipId=story.olga.membership)
    story.refused(story.omar, "inviteMember", *never, email="oona@orchard.example", displayName="Oona Orchard")
    assert story.omar.denied(DIRECTORY, id=story.ids["orchard"]) == ["FORBIDDEN"], "no list of members, only a search"
    owners = "query Owners($id: ID!) { account(id: $id) { owners { displayName email } } }"
    assert story.omar.denied(owners, id=account) == ["FORBIDDEN"], "of the host's people the name alone"
    story.refused(story.omar, "updateAccount", *never, accountId=account, launchUrl="https://elsewhere.example/")
    story.refused(story.omar, "setAccountOwners", *never, accountId=account, userIds=[story.omar.user])
    story.refused(story.omar, "archiveAccount", *never, accountId=account)


def test_s43_any_member_who_added_a_partner_owns_and_manages_the_partnership(story: Story) -> None:
    roles = story.petra.ask("{ viewer { memberships { roles } } }")["viewer"]["memberships"]
    assert roles == [{"roles": ["MEMBER"]}]
    partnership = story.ids["orchard_partnership"]
    seen = story.partnership(story.petra, partnership, "owner { displayName } createdBy { displayName } viewerCan")
    assert seen["owner"] == seen["createdBy"] == {"displayName": "Petra Harbour"}
    assert {"SHARE_ACCOUNTS", "REMOVE", "TRANSFER", "SET_CO_OWNERS", "REMOVE_MEMBER"} <= set(seen["viewerCan"])
    assert story.hidden(story.nils, partnership), "another member of the host is not told of it"
    story.refused(story.nils, "setCoOwners", "NOT_FOUND", partnershipId=partnership, userIds=[story.nils.user])


def test_s44_many_partnerships_but_one_with_the_same_guest(story: Story) -> None:
    again = {"guestHandle": story.handles[story.ids["orchard"]], "contactEmail": "olga@orchard.example"}
    story.refused(story.petra, "requestPartnership", "CONFLICT", reason="Once more", **again)
    story.refused(story.nils, "requestPartnership", "CONFLICT", reason="I did not know", **again)
    story.watchers = [story.arne, story.gustav]
    story.ids["quill_partnership"] = request(story, "nils", "quill", "quentin@quill.example", reason="Guest reviews")
    story.mails.expect("ada@harbour.example", "arne@harbour.example")
    count = "{ viewer { organisation { partnerships(side: HOST) { totalCount } } } }"
    assert story.ada.ask(count)["viewer"]["organisation"]["partnerships"] == {"totalCount": 2}


# --- Requirements -------------------------------------------------------------------------------------------------


def test_s45_the_feature_is_enabled_per_organisation_by_the_vendor(story: Story) -> None:
    meadow, quill = story.ids["meadow"], story.handles[story.ids["quill"]]
    wish = {"guestHandle": quill, "contactEmail": "quentin@quill.example"}
    refusal = story.refused(story.max, "requestPartnership", "PREREQUISITE_MISSING", **wish)
    assert (
        refusal["supportContact"]["email"] == story.max.ask("{ supportContact { email } }")["supportContact"]["email"]
    )
    given = {"contactEmail": "max@meadow.example", "reason": "Breakfast"}
    story.refused(story.mia, "requestPartnership", "NOT_FOUND", guestHandle=story.handles[meadow], **given)
    story.refused(story.max, "setPartnersEnabled", "FORBIDDEN", organisationId=meadow, enabled=True)
    story.refused(story.ada, "setPartnersEnabled", "FORBIDDEN", organisationId=meadow, enabled=True)

    enabled = "organisation { partnersEnabled }"
    assert story.operator.does("setPartnersEnabled", enabled, organisationId=meadow, enabled=True)["organisation"] == {
        "partnersEnabled": True
    }
    made = story.max.does("requestPartnership", "partnership { id version state }", **wish)["partnership"]
    assert made["state"] == "AWAITING_GUEST_ACCEPTANCE"
    story.mails.expect("quentin@quill.example")
    story.operator.does("setPartnersEnabled", organisationId=meadow, enabled=False)
    assert story.partnership(story.max, made["id"])["state"] == "AWAITING_GUEST_ACCEPTANCE", (
        "switching off ends nothing"
    )
    story.max.does("withdrawPartnership", partnershipId=made["id"])
    story.mails.expect("quentin@quill.example")


def test_s46_the_vendor_creates_guests_and_tells_which_ones(story: Story) -> None:
    created = (
        "query Created($id: ID!) { organisation(id: $id) { createdGuests { totalCount edges { node { name } } } } }"
    )
    assert story.ada.ask(created, id=story.ids["harbour"])["organisation"]["createdGuests"]["totalCount"] == 0
    who = {
        "name": "Mirror Studio",
        "countryCode": "CH",
        "adminEmail": story.mona.email,
        "adminDisplayName": "Mona Mirror",
    }
    story.refused(story.ada, "createOrganisation", "FORBIDDEN", **who)
    given = {"createdForOrganisationId": story.ids["harbour"], "partnersEnabled": True}
    made = story.operator.does("createOrganisation", "organisation { id handle }", **given, **who)["organisation"]
    story.ids["mirror"], story.handles[made["id"]] = made["id"], made["handle"]
    for viewer in (story.ada, story.operator):
        guests = viewer.ask(created, id=story.ids["harbour"])["organisation"]["createdGuests"]
        assert nodes(guests) == [{"name": "Mirror Studio"}]
    assert story.mia.denied(created, id=story.ids["harbour"]) == ["FORBIDDEN"]


def test_s47_an_admin_has_to_exist_in_the_guest(story: Story) -> None:
    (mail,) = story.mails.expect("mona@mirror.example")
    before = story.mona.look("{ viewer { memberships { status } } }").data.get("viewer") or {"memberships": []}
    assert "ACTIVE" not in [membership["status"] for membership in before["memberships"]]
    assert story.mona.look(DIRECTORY, id=story.ids["mirror"]).errors, "an invitation gives no right yet"
    joined = story.mona.does("acceptMembership", "membership { status roles organisation { id } }", token=mail.token)
    assert joined["membership"]["organisation"] == {"id": story.ids["mirror"]}
    assert set(joined["membership"]["roles"]) == {"ORG_ADMIN", "LEGAL_REPRESENTATIVE"}
    assert story.ruth.tries("acceptMembership", token=mail.token)["code"] == "NOT_FOUND", "the link works once"
    assert story.mona.ask(DIRECTORY, id=story.ids["mirror"])["organisation"]["members"]["totalCount"] == 1


def test_s48_the_guest_reads_its_id_and_tells_the_host_out_of_band(story: Story) -> None:
    handle = story.greta.ask("{ viewer { organisation { handle } } }")["viewer"]["organisation"]["handle"]
    assert handle == story.handles[story.ids["lighthouse"]]
    assert len(set(story.handles.values())) == len(story.handles)
    assert len(handle) >= 8
    look = "query Look($handle: String!) { partnerLookup(handle: $handle) { name handle } }"
    assert story.mia.ask(look, handle=handle)["partnerLookup"] == {"name": "Lighthouse Agency", "handle": handle}
    for wrong in (handle[:-1], handle[:4], handle + "x", "%", "Lighthouse Agency"):
        assert story.mia.denied(look, handle=wrong) == ["NOT_FOUND"], "no prefix, no name: the exact handle"


# --- 1. Send the partner request ----------------------------------------------------------------------------------


def test_s49_any_member_starts_but_two_admins_decide(story: Story) -> None:
    quill = story.ids["quill_partnership"]
    assert story.partnership(story.nils, quill)["state"] == "AWAITING_HOST_APPROVAL"
    version = story.version(story.nils, quill)
    for member in (story.nils, story.petra, story.mia):
        story.refused(
            member, "approvePartnership", "FORBIDDEN", "NOT_FOUND", partnershipId=quill, expectedVersion=version
        )
    terms = story.quentin.ask(TERMS)["currentTerms"]["id"]
    consent = {"partnershipId": quill, "expectedVersion": version, "termsVersionId": terms, "consent": True}
    story.refused(story.quentin, "acceptPartnership", "NOT_FOUND", **consent)
    assert story.hidden(story.quentin, quill), "the guest is not told before the host has approved"
    stranger = {
        "guestHandle": story.handles[story.ids["quill"]],
        "contactEmail": "quentin@quill.example",
        "reason": "Mine",
    }
    mismatch = {"organisationId": story.ids["harbour"]}
    story.refused(story.greta, "requestPartnership", "ORG_CONTEXT_MISMATCH", **mismatch, **stranger)
    story.refused(story.fred, "requestPartnership", "ORG_CONTEXT_MISMATCH", **mismatch, **stranger)


def test_s50_the_empty_partners_view_explains_the_feature(story: Story) -> None:
    view = "{ viewer { organisation { partnersEnabled partnerships { totalCount edges { node { id } } } } } }"
    empty = story.mia.ask(view)["viewer"]["organisation"]
    assert empty == {"partnersEnabled": True, "partnerships": {"totalCount": 0, "edges": []}}
    assert story.ada.ask(view)["viewer"]["organisation"]["partnerships"]["totalCount"] == 2, "with partners: a list"
    started = '{ __type(name: "Mutation") { fields { name description } } }'
    described = {field["name"]: field["description"] for field in story.mia.ask(started)["__type"]["fields"]}
    assert described["requestPartnership"], "the dialog's description of the feature"


def test_s51_request_fields(story: Story) -> None:
    form = fields_of(story, "RequestPartnershipInput")
    assert form["guestHandle"]["required"]
    assert form["contactEmail"]["required"]
    assert not form["reason"]["required"]
    for address in ("lighthouse", "greta@", "greta@lighthouse.example, fred@lighthouse.example", ""):
        given = {"guestHandle": story.handles[story.ids["lighthouse"]], "contactEmail": address, "reason": "Campaign"}
        refusal = story.refused(story.mia, "requestPartnership", "BAD_USER_INPUT", **given)
        assert refusal["field"] == "contactEmail"


def test_s52_no_reason_is_asked_of_an_admin(story: Story) -> None:
    for reason in (None, "", "  \n "):
        given = {"guestHandle": story.handles[story.ids["lighthouse"]], "contactEmail": "hello@lighthouse.example"}
        refusal = story.refused(story.mia, "requestPartnership", "BAD_USER_INPUT", reason=reason, **given)
        assert refusal["field"] == "reason", "a member has to say why"
    ridge = story.ids["ridge_partnership"] = request(story, "ada", "ridge", "ruth@ridge.example")
    story.mails.expect("ruth@ridge.example")
    (attempt,) = nodes(story.partnership(story.ada, ridge, "attempts { edges { node { reason } } }")["attempts"])
    assert attempt["reason"] is None


def test_s53_on_send_the_admins_of_the_host_get_a_mail(story: Story) -> None:
    given = {"guestHandle": story.handles[story.ids["lighthouse"]], "contactEmail": "hello@lighthouse.example"}
    made = story.mia.does(
        "requestPartnership", "partnership { id version state }", reason="Summer campaign,\n\tand the photos", **given
    )["partnership"]
    story.ids["lighthouse_partnership"] = made["id"]
    notices = "{ viewer { notifications(first: 1) { edges { node { subject readAt } } } } }"
    for mail in story.mails.expect("ada@harbour.example", "arne@harbour.example", saying="Lighthouse Agency"):
        assert "Mia Harbour" in mail.text
        assert "Summer campaign" in mail.text
        admin = story.people[mail.recipient.split("@")[0]]
        assert nodes(admin.ask(notices)["viewer"]["notifications"]) == [{"subject": mail.subject, "readAt": None}]


def test_s54_it_is_listed_at_once_as_awaiting_the_admins_decision(story: Story) -> None:
    listed = "{ viewer { organisation { partnerships { edges { node { id state guest { name } } } } } } }"
    waiting = {
        "id": story.ids["lighthouse_partnership"],
        "state": "AWAITING_HOST_APPROVAL",
        "guest": {"name": "Lighthouse Agency"},
    }
    assert nodes(story.mia.ask(listed)["viewer"]["organisation"]["partnerships"]) == [waiting]
    for admin in (story.ada, story.arne):
        assert waiting in nodes(admin.ask(listed)["viewer"]["organisation"]["partnerships"])
    for outsider in (story.otto, story.greta, story.fred):
        assert nodes(outsider.ask(listed)["viewer"]["organisation"]["partnerships"]) == []
        assert story.hidden(outsider, story.ids["lighthouse_partnership"])
    states = story.mia.ask('{ __type(name: "PartnershipState") { enumValues { name description } } }')["__type"]
    wording = {value["name"]: value["description"] or "" for value in states["enumValues"]}
    assert "Awaiting admin's decision" in wording["AWAITING_HOST_APPROVAL"]


def test_s55_the_requester_reminds_an_admin_who_takes_long(story: Story) -> None:
    partnership = story.ids["lighthouse_partnership"]
    assert "REMIND" in story.partnership(story.mia, partnership)["viewerCan"]
    for admin in (story.ada, story.arne):
        assert "REMIND" not in story.partnership(admin, partnership)["viewerCan"]
        story.refused(admin, "remindPartnership", "FORBIDDEN", partnershipId=partnership)
    story.refused(story.otto, "remindPartnership", "NOT_FOUND", partnershipId=partnership)

    story.mia.does("remindPartnership", "partnership { state }", partnershipId=partnership)
    story.mails.expect("ada@harbour.example", "arne@harbour.example", saying="Lighthouse Agency")
    read = "attempts { edges { node { remindersSent } } }"
    (attempt,) = nodes(story.partnership(story.mia, partnership, read)["attempts"])
    assert attempt["remindersSent"] == 1
    refusal = story.refused(story.mia, "remindPartnership", "RATE_LIMITED", partnershipId=partnership)
    assert 0 < refusal["retryAfter"] <= 24 * 60 * 60, "once a day"


def test_s56_after_the_guests_no_the_request_is_sent_again(story: Story) -> None:
    quill = story.ids["quill_partnership"]
    approve(story, "arne", quill)
    invitation, _ = story.mails.expect("quentin@quill.example", "nils@harbour.example")
    version = story.version(story.quentin, quill)
    story.quentin.does(
        "refusePartnership",
        "partnership { state }",
        token=invitation.token,
        expectedVersion=version,
        reason="Not this year",
    )
    story.mails.expect("nils@harbour.example", "ada@harbour.example", "arne@harbour.example", saying="Quill Partners")
    refused = story.partnership(story.nils, quill)
    assert refused["state"] == "DECLINED_BY_GUEST"
    assert "RESEND" in refused["viewerCan"]
    for outsider in (story.mia, story.quentin):
        story.refused(outsider, "resendPartnership", "FORBIDDEN", "NOT_FOUND", partnershipId=quill)

    resent = story.nils.does("resendPartnership", "partnership { state }", partnershipId=quill)["partnership"]
    assert resent == {"state": "AWAITING_GUEST_ACCEPTANCE"}, "same terms: no second approval (Q7)"
    (fresh,) = story.mails.expect("quentin@quill.example")
    read = "attempts { edges { node { number guestDecision decisionReason } } }"
    attempts = nodes(story.partnership(story.nils, quill, read)["attempts"])
    assert sorted((one["number"], one["guestDecision"]) for one in attempts) == [(1, "DECLINED"), (2, None)]
    look = "query Look($token: String!) { invitation(token: $token) { id } }"
    assert story.quentin.denied(look, token=invitation.token) == ["NOT_FOUND"], "the old link is void"
    assert story.quentin.ask(look, token=fresh.token)["invitation"] == {"id": quill}
    story.refused(story.nils, "resendPartnership", "RATE_LIMITED", partnershipId=quill)


def test_s57_the_request_of_an_admin_needs_no_approval(story: Story) -> None:
    read = """state owner { displayName } viewerCan
      attempts { edges { node { hostDecision hostDecidedBy { displayName } } } }"""
    ridge = story.partnership(story.ada, story.ids["ridge_partnership"], read)
    assert ridge["state"] == "AWAITING_GUEST_ACCEPTANCE"
    assert ridge["owner"] == {"displayName": "Ada Harbour"}
    assert [attempt["hostDecision"] for attempt in nodes(ridge["attempts"])] == ["SKIPPED"]
    assert not {"APPROVE", "DECLINE", "REMIND"} & set(ridge["viewerCan"])
    version = story.version(story.arne, story.ids["ridge_partnership"])
    late = {"partnershipId": story.ids["ridge_partnership"], "expectedVersion": version}
    assert (
        story.refused(story.arne, "approvePartnership", "INVALID_STATE", **late)["state"] == "AWAITING_GUEST_ACCEPTANCE"
    )


# --- 2. Approve the partner request in the host -------------------------------------------------------------------


def test_s58_the_admin_sees_the_partners_and_decides_on_the_pending_one(story: Story) -> None:
    partners = """{ viewer { organisation { partnerships(side: HOST, first: 50) {
        edges { node { state guest { name } viewerCan } }
    } } } }"""
    for admin in (story.ada, story.arne):
        listed = {
            one["guest"]["name"]: one for one in nodes(admin.ask(partners)["viewer"]["organisation"]["partnerships"])
        }
        assert set(listed) == {"Orchard Tours", "Quill Partners", "Ridge Media", "Lighthouse Agency"}
        assert {"APPROVE", "DECLINE"} <= set(listed["Lighthouse Agency"]["viewerCan"])
    lighthouse = story.ids["lighthouse_partnership"]
    assert not {"APPROVE", "DECLINE"} & set(story.partnership(story.mia, lighthouse)["viewerCan"])
    decision = {"partnershipId": lighthouse, "expectedVersion": story.version(story.ada, lighthouse)}
    story.refused(story.mia, "approvePartnership", "FORBIDDEN", **decision)
    story.refused(story.mia, "declinePartnership", "FORBIDDEN", **decision)
    story.refused(story.greta, "approvePartnership", "NOT_FOUND", "FORBIDDEN", **decision)

    mirror = request(story, "otto", "mirror", "mona@mirror.example", reason="Mirrors")
    story.mails.expect("ada@harbour.example", "arne@harbour.example", saying="Mirror Studio")
    version = story.version(story.arne, mirror)
    story.arne.does("declinePartnership", partnershipId=mirror, expectedVersion=version, reason="We have mirrors")
    story.mails.expect("otto@harbour.example", saying="We have mirrors")
    assert story.partnership(story.otto, mirror)["state"] == "DECLINED_BY_HOST", "the requester sees the decision (Q6)"
    assert story.hidden(story.mona, mirror), "the guest never hears of it"
    late = {"partnershipId": mirror, "expectedVersion": story.version(story.ada, mirror)}
    assert story.refused(story.ada, "approvePartnership", "INVALID_STATE", **late)["state"] == "DECLINED_BY_HOST"


def test_s59_learn_more_reveals_guest_id_contact_and_reason(story: Story) -> None:
    more = "guest { handle } contactEmail attempts { edges { node { reason } } }"
    for viewer in (story.ada, story.arne, story.mia):
        assert story.partnership(viewer, story.ids["lighthouse_partnership"], more) == {
            "guest": {"handle": story.handles[story.ids["lighthouse"]]},
            "contactEmail": "hello@lighthouse.example",
            "attempts": {"edges": [{"node": {"reason": "Summer campaign,\n\tand the photos"}}]},
        }


def test_s60_approval_mails_the_request_to_the_representative_of_the_guest(story: Story) -> None:
    lighthouse = story.ids["lighthouse_partnership"]
    stale = {"partnershipId": lighthouse, "expectedVersion": story.version(story.ada, lighthouse) - 1}
    assert story.refused(story.ada, "approvePartnership", "CONFLICT", **stale)["current"] == "AWAITING_HOST_APPROVAL"
    approve(story, "ada", lighthouse)
    addressed = ("hello@lighthouse.example", "greta@lighthouse.example", "gustav@lighthouse.example")
    mails = story.mails.expect(*addressed, "mia@harbour.example")
    for mail in mails[:3]:
        assert "Harbour Hotels" in mail.text
        assert mail.token
        assert "Summer campaign" not in mail.text + mail.html, "the host's reason stays there"
    story.kept["invitation"] = mails[0].token
    seen = story.partnership(story.mia, lighthouse, "state owner { displayName }")
    assert seen == {"state": "AWAITING_GUEST_ACCEPTANCE", "owner": {"displayName": "Mia Harbour"}}
    story.refused(story.arne, "approvePartnership", "CONFLICT", "INVALID_STATE", **stale)


def test_s61_until_the_guest_accepts_accounts_cannot_be_shared(story: Story) -> None:
    new_account(story, "mia", "campaign_desk", "Campaign desk", "Campaigner")
    lighthouse = story.ids["lighthouse_partnership"]
    seen = story.partnership(story.mia, lighthouse, "state contactEmail guest { name } viewerCan")
    assert seen["guest"] == {"name": "Lighthouse Agency"}
    assert "SHARE_ACCOUNTS" not in seen["viewerCan"]
    items = [{"accountId": story.ids["campaign_desk"], "role": "COLLABORATOR"}]
    refusal = story.refused(story.mia, "shareAccounts", "INVALID_STATE", partnershipId=lighthouse, items=items)
    assert refusal["state"] == "AWAITING_GUEST_ACCEPTANCE"


# --- 3. Accept the partner request in the guest -------------------------------------------------------------------


def test_s62_the_guests_admin_finds_the_request_with_accept_and_decline(story: Story) -> None:
    lighthouse = story.ids["lighthouse_partnership"]
    listed = """{ viewer { organisation { partnerships(side: GUEST) {
        edges { node { id state host { name } viewerCan } }
    } } } }"""
    for admin in (story.greta, story.gustav):
        (found,) = nodes(admin.ask(listed)["viewer"]["organisation"]["partnerships"])
        assert found["id"] == lighthouse
        assert found["host"] == {"name": "Harbour Hotels"}
        assert {"ACCEPT", "REFUSE"} <= set(found["viewerCan"])
    more = """query More($id: ID!) {
      partnership(id: $id) { attempts { edges { node { reason hostDecidedBy { id } } } } } }"""
    assert set(story.greta.denied(more, id=lighthouse)) == {"FORBIDDEN"}, "neither the host's reason nor its approver"
    look = "query Look($token: String!) { invitation(token: $token) { id } }"
    assert story.gustav.ask(look, token=story.kept["invitation"])["invitation"] == {"id": lighthouse}
    for other in (story.fred, story.ada, story.mia, story.quentin):
        assert set(other.denied(look, token=story.kept["invitation"])) <= {"NOT_FOUND", "FORBIDDEN"}, (
            "the link gives no right"
        )
    assert nodes(story.fred.ask(listed)["viewer"]["organisation"]["partnerships"]) == []


def test_s63_accepting_needs_consent_to_the_terms_of_service(story: Story) -> None:
    form = fields_of(story, "AcceptPartnershipInput")
    assert form["consent"] == {"required": True, "default": None}, "a box that nobody ticks for you"
    assert form["termsVersionId"]["required"]
    terms = story.greta.ask(TERMS)["currentTerms"]
    assert terms["version"] == "2025-06"
    assert terms["text"] == "Terms of Service of June."
    lighthouse = story.ids["lighthouse_partnership"]
    version = story.version(story.greta, lighthouse)
    given = {"partnershipId": lighthouse, "expectedVersion": version, "termsVersionId": terms["id"], "consent": True}
    refusal = story.refused(story.greta, "acceptPartnership", "BAD_USER_INPUT", **given | {"consent": False})
    assert refusal["field"] == "consent"
    refusal = story.refused(
        story.greta, "acceptPartnership", "BAD_USER_INPUT", **given | {"termsVersionId": story.kept["old_terms"]}
    )
    assert refusal["field"] == "termsVersionId", "consent to terms that are no longer current is none"
    story.refused(story.greta, "acceptPartnership", "CONFLICT", **given | {"expectedVersion": version - 1})
    story.refused(story.fred, "acceptPartnership", "FORBIDDEN", "NOT_FOUND", **given)
    story.refused(story.ada, "acceptPartnership", "FORBIDDEN", **given)
    by_token = {**given, "partnershipId": None, "token": story.kept["invitation"]}
    story.refused(story.fred, "acceptPartnership", "FORBIDDEN", "NOT_FOUND", **by_token)
    story.refused(story.quentin, "acceptPartnership", "NOT_FOUND", **by_token)


def test_s64_accepted_both_sides_show_it_and_accounts_can_be_shared(story: Story) -> None:
    lighthouse = story.ids["lighthouse_partnership"]
    terms = story.greta.ask(TERMS)["currentTerms"]["id"]
    decision = {"token": story.kept["invitation"], "expectedVersion": story.version(story.greta, lighthouse)}
    story.greta.does("acceptPartnership", termsVersionId=terms, consent=True, **decision)
    host = ("mia@harbour.example", "ada@harbour.example", "arne@harbour.example")
    story.mails.expect(*host, "greta@lighthouse.example", "gustav@lighthouse.example")
    for viewer in (story.mia, story.ada, story.arne, story.greta, story.gustav):
        assert story.partnership(viewer, lighthouse)["state"] == "ACTIVE"
    read = """representative { displayName } startsAt
      attempts { edges { node { guestDecision termsAccepted { version } } } }"""
    assert nodes(story.partnership(story.greta, lighthouse, read)["attempts"]) == [
        {"guestDecision": "ACCEPTED", "termsAccepted": {"version": "2025-06"}}
    ]
    assert story.partnership(story.mia, lighthouse, read)["representative"] == {"displayName": "Greta Lighthouse"}
    assert "SHARE_ACCOUNTS" in story.partnership(story.mia, lighthouse)["viewerCan"]
    late = {"partnershipId": lighthouse, "expectedVersion": story.version(story.gustav, lighthouse)}
    story.refused(story.gustav, "acceptPartnership", "INVALID_STATE", termsVersionId=terms, consent=True, **late)
    story.refused(story.gustav, "refusePartnership", "INVALID_STATE", **late)

    accept(story, "quentin", story.ids["quill_partnership"])
    story.mails.expect("nils@harbour.example", "ada@harbour.example", "arne@harbour.example", "quentin@quill.example")
    accept(story, "ruth", story.ids["ridge_partnership"])
    story.mails.expect("ada@harbour.example", "arne@harbour.example", "ruth@ridge.example")


# --- Share and remove accounts from the host ----------------------------------------------------------------------


def test_s67_only_the_partnership_owner_shares(story: Story) -> None:
    lighthouse = story.ids["lighthouse_partnership"]
    new_account(story, "otto", "booking_engine", "Booking engine", "Booker")
    new_account(story, "ada", "board_minutes", "Board minutes", "Minutes")
    for admin in (story.ada, story.arne, story.greta):
        assert "SHARE_ACCOUNTS" not in story.partnership(admin, lighthouse)["viewerCan"]
    for person, account in (
        (story.ada, "board_minutes"),
        (story.otto, "booking_engine"),
        (story.greta, "campaign_desk"),
    ):
        items = [{"accountId": story.ids[account], "role": "COLLABORATOR"}]
        story.refused(person, "shareAccounts", "FORBIDDEN", "NOT_FOUND", partnershipId=lighthouse, items=items)


def test_s68_only_an_account_owner_shares_an_account(story: Story) -> None:
    lighthouse = story.ids["lighthouse_partnership"]
    foreign = [{"accountId": story.ids["booking_engine"], "role": "COLLABORATOR"}]
    story.refused(story.mia, "shareAccounts", "FORBIDDEN", "NOT_FOUND", partnershipId=lighthouse, items=foreign)
    story.mia.does("setCoOwners", partnershipId=lighthouse, userIds=[story.otto.user])
    mias = [{"accountId": story.ids["campaign_desk"], "role": "COLLABORATOR"}]
    story.refused(story.otto, "shareAccounts", "FORBIDDEN", "NOT_FOUND", partnershipId=lighthouse, items=mias)
    shared = share(story, "otto", "lighthouse_partnership", "booking_engine", "ACCOUNT_MANAGER")
    story.mails.expect("greta@lighthouse.example", saying="Booking engine")
    assert shared["account"] == {"id": story.ids["booking_engine"]}, "a co-owner shares what is that person's own (Q12)"


def test_s69_several_accounts_and_a_role_in_one_act(story: Story) -> None:
    new_account(story, "mia", "photo_library", "Photo library", "Photos")
    new_account(story, "mia", "rate_sheet", "=Rates 2025", "Sheets")
    items = [
        {"accountId": story.ids["campaign_desk"], "role": "ACCOUNT_MANAGER"},
        {"accountId": story.ids["photo_library"], "role": "COLLABORATOR"},
        {"accountId": story.ids["rate_sheet"], "role": "COLLABORATOR"},
    ]
    story.refused(
        story.mia, "shareAccounts", "BAD_USER_INPUT", partnershipId=story.ids["lighthouse_partnership"], items=[]
    )
    payload = story.mia.does("shareAccounts", partnershipId=story.ids["lighthouse_partnership"], items=items)
    for result, name in zip(payload["results"], ("campaign_desk", "photo_library", "rate_sheet"), strict=True):
        assert result["share"]["state"] == "ACTIVE"
        assert result["share"]["account"] == {"id": story.ids[name]}
        story.ids[f"{name}_share"] = result["share"]["id"]
    story.mails.expect(*["greta@lighthouse.example"] * 3)
    story.refused(
        story.mia, "shareAccounts", "INVALID_STATE", partnershipId=story.ids["lighthouse_partnership"], items=items[:1]
    )


def test_s70_a_collaborator_signs_in_and_nothing_more(story: Story) -> None:
    library = story.account(story.greta, story.ids["photo_library"])
    assert library["viewerRole"] == "COLLABORATOR"
    assert set(library["viewerCan"]) == {"SIGN_IN", "LEAVE"}
    assert sign_in(story, "greta", "photo_library")["launchUrl"] == "https://photos.example/login"
    wish = {"shareId": story.ids["photo_library_share"], "memberUserIds": [story.carla.user], "role": "COLLABORATOR"}
    story.refused(story.greta, "requestAccess", "FORBIDDEN", **wish)


def test_s71_an_account_manager_also_requests_access_for_others(story: Story) -> None:
    desk = story.account(story.greta, story.ids["campaign_desk"])
    assert desk["viewerRole"] == "ACCOUNT_MANAGER"
    assert set(desk["viewerCan"]) == {"SIGN_IN", "LEAVE", "REQUEST_ACCESS"}
    assert sign_in(story, "greta", "campaign_desk")["launchUrl"] == "https://campaigner.example/login"
    wish = {"shareId": story.ids["campaign_desk_share"], "memberUserIds": [story.carla.user], "role": "COLLABORATOR"}
    filed = story.greta.does("requestAccess", **wish)
    story.mails.expect("mia@harbour.example", saying="Campaign desk")
    (item,) = (result["item"] for result in filed["results"])
    story.greta.does("withdrawAccessRequest", "item { state }", itemId=item["id"])


def test_s72_account_manager_goes_to_the_representative_only(story: Story) -> None:
    shares = nodes(story.gustav.ask(SHARES, id=story.ids["lighthouse_partnership"])["partnership"]["shares"])
    granted = {tuple(grant["user"]["displayName"] for grant in nodes(one["grants"])) for one in shares}
    assert granted == {("Greta Lighthouse",)}
    new_account(story, "mia", "brochure_tool", "Brochure tool", "Brochures")
    given = {"accountId": story.ids["brochure_tool"], "recipientUserIds": [story.greta.user]}
    lighthouse = story.ids["lighthouse_partnership"]
    story.refused(
        story.mia,
        "shareAccounts",
        "BAD_USER_INPUT",
        partnershipId=lighthouse,
        items=[given | {"role": "ACCOUNT_MANAGER"}],
    )
    unseen = given | {"role": "COLLABORATOR", "recipientUserIds": [story.carla.user]}
    story.refused(story.mia, "shareAccounts", "NOT_FOUND", "FORBIDDEN", partnershipId=lighthouse, items=[unseen])
    share(story, "mia", "lighthouse_partnership", "brochure_tool", "ACCOUNT_MANAGER")
    story.mails.expect("greta@lighthouse.example", saying="Brochure tool")


def test_s73_an_account_is_withdrawn(story: Story) -> None:
    shared = {"shareId": story.ids["brochure_tool_share"]}
    pending = {"memberUserIds": [story.dan.user], "role": "COLLABORATOR"} | shared
    story.greta.does("requestAccess", **pending)
    story.mails.expect("mia@harbour.example", saying="Brochure tool")
    ticket = sign_in(story, "greta", "brochure_tool")["ticket"]
    for person in (story.ada, story.nils, story.greta, story.fred):
        story.refused(person, "unshareAccount", "FORBIDDEN", "NOT_FOUND", **shared)
    counts = "grantsEnded accessRequestsCancelled ticketsVoided"
    withdrawn = story.mia.does("unshareAccount", f"share {{ state }} receipt {{ {counts} }}", **shared)
    assert withdrawn["share"] == {"state": "REMOVED"}
    assert withdrawn["receipt"] == {"grantsEnded": 1, "accessRequestsCancelled": 1, "ticketsVoided": 1}
    story.mails.expect("greta@lighthouse.example", saying="Brochure tool")
    assert "Brochure tool" not in story.shared_with(story.greta)
    story.refused(story.greta, "signInToAccount", "NOT_FOUND", accountId=story.ids["brochure_tool"])
    assert is_dead(story, ticket), "a ticket of yesterday opens nothing"
    story.refused(story.mia, "unshareAccount", "INVALID_STATE", **shared)


# --- Access accounts from the guest -------------------------------------------------------------------------------


def test_s74_whoever_has_a_share_signs_in_whatever_the_role(story: Story) -> None:
    for account, origin in (
        ("campaign_desk", "https://campaigner.example"),
        ("photo_library", "https://photos.example"),
    ):
        opened = sign_in(story, "greta", account)
        keys = KeySet.import_key_set(story.server.http.get("/.well-known/jwks.json").json())
        claims = jwt.decode(str(opened["ticket"]), keys, algorithms=["ES256", "EdDSA", "Ed25519"]).claims
        assert claims["aud"] in (origin, [origin])
        assert claims["account"] == story.ids[account]
        assert claims["exp"] - claims["iat"] <= 60
        assert claims["jti"]
        assert str(opened["ticket"]) not in str(opened["launchUrl"])
        assert redeem(story, opened["ticket"]) == (200, "")
        assert is_dead(story, opened["ticket"]), "a ticket is used once"
    for outsider in (story.fred, story.carla, story.gustav, story.ruth, story.ada):
        story.refused(outsider, "signInToAccount", "NOT_FOUND", "FORBIDDEN", accountId=story.ids["campaign_desk"])


def test_s75_shared_accounts_carry_the_initial_of_the_host(story: Story) -> None:
    assert story.shared_with(story.greta) == dict.fromkeys(
        ("Campaign desk", "Photo library", "=Rates 2025", "Booking engine"), "H"
    )
    assert story.account(story.mia, story.ids["campaign_desk"])["badge"] is None, (
        "at home it is an account like any other"
    )
    assert story.shared_with(story.fred) == {}
    assert story.shared_with(story.mia) == {}


# --- See partnership members and shared accounts ------------------------------------------------------------------


def test_s76_an_owner_sees_the_members_on_own_accounts_and_all_shared_accounts(story: Story) -> None:
    ask_in(story, "greta", "mia", "campaign_desk", "carla")
    ask_in(story, "greta", "otto", "booking_engine", "dan")
    story.mails.expect(
        "mia@harbour.example", "otto@harbour.example", "carla@lighthouse.example", "dan@lighthouse.example",
        *["greta@lighthouse.example"] * 2,
    )  # fmt: skip
    assert members_seen(story, "mia", "lighthouse_partnership") == {"Greta", "Carla"}
    assert members_seen(story, "otto", "lighthouse_partnership") == {"Greta", "Dan"}
    everything = {"Campaign desk", "Photo library", "=Rates 2025", "Booking engine"}
    assert accounts_seen(story, "mia", "lighthouse_partnership") == everything
    assert accounts_seen(story, "otto", "lighthouse_partnership") == everything
    assert story.hidden(story.petra, story.ids["lighthouse_partnership"]), (
        "an owner of another partnership sees none of it"
    )

    new_account(story, "mia", "press_kit", "Press kit", "Press")
    share(story, "mia", "lighthouse_partnership", "press_kit", "COLLABORATOR", recipientUserIds=[story.carla.user])
    story.mails.expect("carla@lighthouse.example", "greta@lighthouse.example")
    addresses = "query A($id: ID!) { partnership(id: $id) { members { edges { node { user { email } } } } } }"
    known = nodes(story.mia.ask(addresses, id=story.ids["lighthouse_partnership"])["partnership"]["members"])
    assert {member["user"]["email"] for member in known} == {story.greta.email, story.carla.email}
    unseen = {"accountId": story.ids["booking_engine"], "role": "COLLABORATOR", "recipientUserIds": [story.dan.user]}
    given = {"partnershipId": story.ids["lighthouse_partnership"], "items": [unseen]}
    story.refused(story.mia, "shareAccounts", "FORBIDDEN", "NOT_FOUND", "INVALID_STATE", **given)


def test_s77_host_admins_see_all_members_but_only_their_own_accounts(story: Story) -> None:
    new_account(story, "nils", "guest_reviews", "Guest reviews", "Reviews")
    share(story, "nils", "quill_partnership", "guest_reviews", "COLLABORATOR")
    story.mails.expect("quentin@quill.example")
    owners = [story.mia.user, story.arne.user]
    story.mia.does("setAccountOwners", accountId=story.ids["photo_library"], userIds=owners)
    for admin in ("ada", "arne"):
        assert members_seen(story, admin, "lighthouse_partnership") == {"Greta", "Carla", "Dan"}
        assert members_seen(story, admin, "quill_partnership") == {"Quentin"}
    assert accounts_seen(story, "ada", "lighthouse_partnership") == set()
    assert accounts_seen(story, "arne", "lighthouse_partnership") == {"Photo library"}
    count = "hiddenShareCount"
    assert story.partnership(story.ada, story.ids["lighthouse_partnership"], count) == {"hiddenShareCount": 5}
    assert story.partnership(story.arne, story.ids["lighthouse_partnership"], count) == {"hiddenShareCount": 4}
    hidden = "query Hidden($id: ID!) { partnership(id: $id) { hiddenShareCount } }"
    for person in (story.mia, story.greta):
        assert person.denied(hidden, id=story.ids["lighthouse_partnership"]) == ["FORBIDDEN"]
    told = "query Account($id: ID!) { account(id: $id) { label } }"
    assert story.ada.denied(told, id=story.ids["campaign_desk"]) == ["NOT_FOUND"], "a count, never a name (Q16)"


def test_s78_guest_members_see_their_own_people_and_their_own_accounts(story: Story) -> None:
    assert members_seen(story, "carla", "lighthouse_partnership") == {"Greta", "Carla", "Dan"}
    assert story.shared_with(story.carla) == {"Campaign desk": "H", "Press kit": "H"}
    assert accounts_seen(story, "carla", "lighthouse_partnership") == {"Campaign desk", "Press kit"}
    assert story.shared_with(story.dan) == {"Booking engine": "H"}
    assert story.hidden(story.fred, story.ids["lighthouse_partnership"]), "without a share there is nothing to see"
    addresses = "query A($id: ID!) { partnership(id: $id) { members { edges { node { user { email } } } } } }"
    lighthouse = story.ids["lighthouse_partnership"]
    assert story.dan.denied(addresses, id=lighthouse) == ["FORBIDDEN"] * 2, "of colleagues the name alone"
    hosts = "query H($id: ID!) { partnership(id: $id) { owner { displayName email } } }"
    assert story.greta.denied(hosts, id=lighthouse) == ["FORBIDDEN"], "of the host's people too"
    told = "query Account($id: ID!) { account(id: $id) { label } }"
    assert story.carla.denied(told, id=story.ids["booking_engine"]) == ["NOT_FOUND"]


def test_s79_a_partner_has_an_accounts_tab_and_a_members_tab(story: Story) -> None:
    tabs = """query Tabs($id: ID!) { partnership(id: $id) {
      shares(first: 2) { totalCount pageInfo { hasNextPage endCursor } edges { node { account { label } } } }
      members(first: 2) { totalCount pageInfo { hasNextPage } edges { node { user { displayName } } } }
    } }"""
    partner = story.gustav.ask(tabs, id=story.ids["lighthouse_partnership"])["partnership"]
    assert len(partner["shares"]["edges"]) == 2
    assert partner["shares"]["pageInfo"]["hasNextPage"]
    assert partner["members"]["totalCount"] == 3
    assert partner["members"]["pageInfo"]["hasNextPage"]


# --- Edit the role over shared accounts ---------------------------------------------------------------------------


def test_s80_an_account_owner_changes_the_role_of_a_guest_member(story: Story) -> None:
    grant = grant_of(story, "gustav", "campaign_desk", "carla")
    assert grant
    assert grant["role"] == "COLLABORATOR"
    for person in (story.otto, story.ada, story.greta, story.carla, story.nils):
        story.refused(person, "changeMemberRole", "FORBIDDEN", "NOT_FOUND", grantId=grant["id"], role="ACCOUNT_MANAGER")
    changed = story.mia.does("changeMemberRole", "grant { role }", grantId=grant["id"], role="ACCOUNT_MANAGER")
    assert changed["grant"] == {"role": "ACCOUNT_MANAGER"}
    story.mails.expect("carla@lighthouse.example", "greta@lighthouse.example", saying="Campaign desk")
    assert story.account(story.carla, story.ids["campaign_desk"])["viewerRole"] == "ACCOUNT_MANAGER"


# --- Request access to an account ---------------------------------------------------------------------------------


def test_s81_account_managers_request_access_from_the_account_card(story: Story) -> None:
    cards = "{ viewer { sharedAccounts { edges { node { label viewerRole viewerCan } } } } }"
    by_label = {card["label"]: card for card in nodes(story.carla.ask(cards)["viewer"]["sharedAccounts"])}
    assert "REQUEST_ACCESS" in by_label["Campaign desk"]["viewerCan"]
    assert "REQUEST_ACCESS" not in by_label["Press kit"]["viewerCan"], "a collaborator there"
    wish = {"memberUserIds": [story.fred.user], "role": "COLLABORATOR"}
    story.refused(story.carla, "requestAccess", "FORBIDDEN", shareId=story.ids["press_kit_share"], **wish)
    story.refused(story.dan, "requestAccess", "FORBIDDEN", shareId=story.ids["booking_engine_share"], **wish)
    story.refused(story.gustav, "requestAccess", "FORBIDDEN", shareId=story.ids["campaign_desk_share"], **wish)
    story.refused(
        story.mia, "requestAccess", "FORBIDDEN", "NOT_FOUND", shareId=story.ids["campaign_desk_share"], **wish
    )


def test_s82_search_by_name_or_address_add_several_choose_one_role(story: Story) -> None:
    found = {}
    for search in ("Eva", "fred@light"):
        listed = story.carla.ask(DIRECTORY, id=story.ids["lighthouse"], search=search)["organisation"]["members"]
        (member,) = nodes(listed)
        found[member["user"]["email"]] = member["user"]["id"]
    assert set(found) == {"eva@lighthouse.example", "fred@lighthouse.example"}
    assert story.carla.look(DIRECTORY, id=story.ids["lighthouse"], search="e").errors, "a search, not a list"
    more = """query More($id: ID!) { organisation(id: $id) { members(search: "Eva") { edges { node {
        roles status delegatedAdmin createdAt
    } } } } }"""
    assert story.carla.denied(more, id=story.ids["lighthouse"]) == ["FORBIDDEN"] * 4, "name and address, no more (Q15)"
    assert story.carla.denied(DIRECTORY, id=story.ids["harbour"], search="Mia"), "nobody searches people outside"
    assert story.dan.denied(DIRECTORY, id=story.ids["lighthouse"], search="Eva") == ["FORBIDDEN"]

    foreign = [*found.values(), story.quentin.user]
    wish = {"shareId": story.ids["campaign_desk_share"], "role": "COLLABORATOR"}
    story.refused(story.carla, "requestAccess", "NOT_FOUND", memberUserIds=foreign[2:], **wish)
    story.refused(
        story.carla, "requestAccess", "INVALID_STATE", "BAD_USER_INPUT", memberUserIds=[story.greta.user], **wish
    )
    filed = story.carla.does("requestAccess", memberUserIds=list(found.values()), note="For the\nsummer", **wish)
    assert [(one["item"]["state"], one["item"]["role"]) for one in filed["results"]] == [
        ("PENDING", "COLLABORATOR")
    ] * 2
    story.refused(story.carla, "requestAccess", "INVALID_STATE", "BAD_USER_INPUT", memberUserIds=foreign[:1], **wish)


def test_s83_the_account_owner_gets_a_mail(story: Story) -> None:
    (mail,) = story.mails.expect("mia@harbour.example", saying="Campaign desk")
    assert "Carla Lighthouse" in mail.text
    assert "Eva Lighthouse" in mail.text
    assert "Fred Lighthouse" in mail.text


def test_s84_the_account_owner_sees_the_pending_members(story: Story) -> None:
    account = story.mia.ask(PENDING, id=story.ids["campaign_desk"])["account"]
    assert "DECIDE_ACCESS_REQUESTS" in account["viewerCan"]
    assert account["accessRequests"]["totalCount"] == 2
    pending = {item["member"]["displayName"].split()[0]: item for item in nodes(account["accessRequests"])}
    assert set(pending) == {"Eva", "Fred"}
    for item in pending.values():
        assert item["requestedBy"] == {"displayName": "Carla Lighthouse"}
        assert item["note"] == "For the\nsummer"
    story.kept["pending"] = pending
    assert "DECIDE_ACCESS_REQUESTS" not in story.account(story.carla, story.ids["campaign_desk"])["viewerCan"]
    assert "DECIDE_ACCESS_REQUESTS" not in story.account(story.otto, story.ids["campaign_desk"])["viewerCan"]
    assert story.ada.denied(PENDING, id=story.ids["campaign_desk"]) == ["NOT_FOUND"]


def test_s85_each_member_is_decided_alone(story: Story) -> None:
    eva, fred = (
        {"itemId": one["id"], "expectedVersion": one["version"]}
        for one in map(story.kept["pending"].get, ("Eva", "Fred"))
    )
    for person in (story.greta, story.carla, story.otto, story.ada, story.eva):
        story.refused(person, "decideAccessRequests", "FORBIDDEN", "NOT_FOUND", items=[eva | {"accept": True}])
    stale = eva | {"accept": True, "expectedVersion": int(eva["expectedVersion"]) - 1}
    story.refused(story.mia, "decideAccessRequests", "CONFLICT", items=[stale])

    (accepted,) = story.mia.does("decideAccessRequests", items=[eva | {"accept": True}])["results"]
    assert accepted["item"]["state"] == "ACCEPTED"
    assert accepted["grant"]["role"] == "COLLABORATOR"
    story.mails.expect("eva@lighthouse.example", "carla@lighthouse.example", saying="Campaign desk")
    assert story.shared_with(story.eva) == {"Campaign desk": "H"}
    assert story.shared_with(story.fred) == {}
    (declined,) = story.mia.does("decideAccessRequests", items=[fred | {"accept": False, "note": "Not needed"}])[
        "results"
    ]
    assert declined["item"]["state"] == "DECLINED"
    assert declined["grant"] is None
    story.mails.expect("fred@lighthouse.example", "carla@lighthouse.example", saying="Campaign desk")
    assert sign_in(story, "eva", "campaign_desk")["launchUrl"] == "https://campaigner.example/login"
    story.refused(story.fred, "signInToAccount", "NOT_FOUND", accountId=story.ids["campaign_desk"])
    for result, accepting in ((accepted, False), (declined, True)):
        item = result["item"]
        again = {"itemId": item["id"], "expectedVersion": item["version"], "accept": accepting}
        story.refused(story.mia, "decideAccessRequests", "INVALID_STATE", items=[again])


# --- Remove a member from a shared account ------------------------------------------------------------------------


def test_s86_remove_member_by_the_partnership_owner(story: Story) -> None:
    desk = {"shareId": story.ids["campaign_desk_share"]}
    for person in (story.carla, story.eva, story.fred, story.ada, story.nils, story.ruth, story.otto):
        story.refused(person, "removeMemberFromShare", "FORBIDDEN", "NOT_FOUND", userId=story.eva.user, **desk)
    story.mia.does("setAccountOwners", accountId=story.ids["press_kit"], userIds=[story.petra.user])
    kit = {"shareId": story.ids["press_kit_share"], "userId": story.carla.user}
    story.mia.does("removeMemberFromShare", **kit)
    story.mails.expect("carla@lighthouse.example", "greta@lighthouse.example", saying="Press kit")
    assert story.shared_with(story.carla) == {"Campaign desk": "H"}, "taken back by who shared it, owner no longer"
    story.refused(story.carla, "signInToAccount", "NOT_FOUND", accountId=story.ids["press_kit"])
    story.refused(story.mia, "removeMemberFromShare", "NOT_FOUND", "INVALID_STATE", **kit)


def test_s86_remove_member_by_the_account_owner(story: Story) -> None:
    story.mia.does("setAccountOwners", accountId=story.ids["campaign_desk"], userIds=[story.mia.user, story.nils.user])
    assert story.hidden(story.nils, story.ids["lighthouse_partnership"]), (
        "an Account Owner, no owner of the partnership"
    )
    story.nils.does("removeMemberFromShare", shareId=story.ids["campaign_desk_share"], userId=story.eva.user)
    story.mails.expect("eva@lighthouse.example", "greta@lighthouse.example", saying="Campaign desk")
    assert story.shared_with(story.eva) == {}


def test_s86_remove_member_by_the_admin_of_the_guest(story: Story) -> None:
    story.gustav.does("removeMemberFromShare", shareId=story.ids["booking_engine_share"], userId=story.dan.user)
    story.mails.expect("dan@lighthouse.example", "greta@lighthouse.example", saying="Booking engine")
    assert story.shared_with(story.dan) == {}
    assert members_seen(story, "ada", "lighthouse_partnership") == {"Greta", "Carla"}


def test_s86_remove_member_from_every_account_at_once(story: Story) -> None:
    everywhere = {"partnershipId": story.ids["lighthouse_partnership"], "userId": story.carla.user}
    for person in (story.carla, story.fred, story.nils, story.ruth):
        story.refused(person, "removeMemberFromPartnership", "FORBIDDEN", "NOT_FOUND", **everywhere)
    ask_in(story, "greta", "otto", "booking_engine", "carla")
    story.mails.expect("otto@harbour.example", "carla@lighthouse.example", "greta@lighthouse.example")
    assert set(story.shared_with(story.carla)) == {"Campaign desk", "Booking engine"}
    ended = story.ada.does("removeMemberFromPartnership", "receipt { grantsEnded }", **everywhere)
    assert ended["receipt"] == {"grantsEnded": 2}
    story.mails.expect("carla@lighthouse.example", "greta@lighthouse.example")
    assert story.shared_with(story.carla) == {}
    assert story.hidden(story.carla, story.ids["lighthouse_partnership"])


# --- Track activity on the shared accounts ------------------------------------------------------------------------


def test_s87_activity_is_for_host_admins_account_owners_and_guest_admins(story: Story) -> None:
    sign_in(story, "mia", "campaign_desk")
    of_mia = {event["accountLabel"] for event in activity_of(story, "mia")} - {None}
    assert {"Campaign desk", "Photo library"} <= of_mia
    assert not {"Booking engine", "Guest reviews"} & of_mia
    of_ada = activity_of(story, "ada", types=["signin.account"])
    assert len(of_ada) >= 6, "all of the host"
    assert {(event["accountLabel"], event["account"], event["app"]) for event in of_ada} == {(None, None, None)}, (
        "unnamed (Q31)"
    )
    named = activity_of(story, "ada", types=["signin.account"], accountId=story.ids["campaign_desk"])
    assert named == [], "no filter matches what is hidden"

    for admin in ("greta", "gustav"):
        signed_in = activity_of(story, admin, types=["signin.account"])
        assert {event["userName"] for event in signed_in} == {"Greta Lighthouse", "Eva Lighthouse"}, (
            "own staff, not Mia (Q32)"
        )
        shared = activity_of(story, admin, types=["share.added"])
        assert {event["userName"] for event in shared} == {"Mia Harbour", "Otto Harbour"}
        assert {(event["ip"], event["os"], event["device"], event["location"]) for event in shared} == {(None,) * 4}
    for nobody in (story.fred, story.eva):
        answer = nobody.look(ACTIVITY)
        assert answer.codes == ["FORBIDDEN"] or answer.data["activity"]["totalCount"] == 0


def test_s88_the_columns_of_the_activity_log(story: Story) -> None:
    newest = activity_of(story, "mia", types=["signin.account"], accountId=story.ids["campaign_desk"])
    of_eva = next(event for event in newest if event["userName"] == "Eva Lighthouse")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", str(of_eva["occurredAt"]))
    assert of_eva["type"] == "signin.account"
    assert of_eva["accountLabel"] == "Campaign desk"
    assert of_eva["app"] == "Campaigner"
    assert of_eva["os"] == "iOS"
    assert of_eva["device"] == "iPhone"
    assert not of_eva["location"], "empty unless the operator names a file of places"
    added = activity_of(story, "mia", types=["share.added"])
    assert {"Campaign desk", "Photo library", "=Rates 2025"} <= {event["accountLabel"] for event in added}


def test_s89_the_activity_as_csv(story: Story) -> None:
    seen = activity_of(story, "mia")
    answer = export(story, "mia")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert re.fullmatch(r"[0-9a-f]{64}", answer.headers["accord-activity-head"])
    header, *rows, last = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert header[:8] == COLUMNS
    assert last[:3] == ["END", str(len(rows)), ""]
    listed = sorted((str(e["type"]), e["accountLabel"] or "", e["app"] or "", str(e["userName"])) for e in seen)
    expected = [
        tuple(f"'{cell}" if str(cell)[:1] in tuple("=+-@") and cell else cell for cell in row) for row in listed
    ]
    assert sorted(tuple(row[1:5]) for row in rows if row[1] != "export.created") == sorted(expected), (
        "the rows of the list"
    )
    assert any(row[2] == "'=Rates 2025" for row in rows), "no cell is a formula"
    assert all(line.startswith('"') for line in answer.text.lstrip("\ufeff").split("\r\n")[:1]), "every cell quoted"
    assert activity_of(story, "ada", types=["export.created"])[0]["userName"] == "Mia Harbour", (
        "an export is itself an event"
    )

    foreign = export(story, "greta")
    rows = list(csv.reader(io.StringIO(foreign.content.decode("utf-8-sig"))))[1:]
    assert "Mia Harbour" not in {row[4] for row in rows if row[1] == "signin.account"}
    with story.unchanged():
        assert story.server.http.get("/exports/activity.csv").status_code == 401
        host = {"organisationId": story.ids["harbour"]}
        assert (
            story.server.http.get("/exports/activity.csv", params=host, headers=story.greta.headers).status_code == 403
        )
    assert export(story, "fred").status_code == 403, "there is no file for those who see nothing in the list"


# --- Remove a partner ---------------------------------------------------------------------------------------------


def test_s90_remove_partner_by_an_admin_of_the_host(story: Story) -> None:
    ridge = {"partnershipId": story.ids["ridge_partnership"]}
    for person in (story.mia, story.nils, story.greta, story.quentin):
        story.refused(person, "removePartner", "FORBIDDEN", "NOT_FOUND", **ridge)
    removed = story.arne.does("removePartner", "partnership { state endReason }", reason="Season over", **ridge)[
        "partnership"
    ]
    assert removed == {"state": "TERMINATED", "endReason": "Season over"}
    story.mails.expect("ada@harbour.example", "arne@harbour.example", "ruth@ridge.example", saying="Season over")


def test_s90_remove_partner_by_an_admin_of_the_guest(story: Story) -> None:
    quill = {"partnershipId": story.ids["quill_partnership"]}
    assert "REMOVE" in story.partnership(story.quentin, quill["partnershipId"])["viewerCan"]
    story.quentin.does("removePartner", **quill)
    assert story.shared_with(story.quentin) == {}
    story.mails.expect("ada@harbour.example", "arne@harbour.example", "nils@harbour.example", "quentin@quill.example")
    story.refused(story.quentin, "removePartner", "INVALID_STATE", **quill)


def test_s90_remove_partner_by_its_owner(story: Story) -> None:
    lighthouse = {"partnershipId": story.ids["lighthouse_partnership"]}
    for person in (story.petra, story.nils, story.carla, story.fred, story.olga):
        story.refused(person, "removePartner", "FORBIDDEN", "NOT_FOUND", **lighthouse)
    stale = story.version(story.mia, story.ids["lighthouse_partnership"]) - 1
    story.refused(story.mia, "removePartner", "CONFLICT", expectedVersion=stale, **lighthouse)
    assert "REMOVE" in story.partnership(story.mia, story.ids["lighthouse_partnership"])["viewerCan"]

    ask_in(story, "greta", "mia", "campaign_desk", "dan")
    story.mails.expect(
        "mia@harbour.example", "nils@harbour.example", "dan@lighthouse.example", "greta@lighthouse.example"
    )
    pending = {"shareId": story.ids["campaign_desk_share"], "memberUserIds": [story.eva.user], "role": "COLLABORATOR"}
    story.greta.does("requestAccess", **pending)
    story.mails.expect("mia@harbour.example", "nils@harbour.example")
    story.kept["tickets"] = [sign_in(story, person, "campaign_desk")["ticket"] for person in ("greta", "dan")]
    counts = "sharesEnded grantsEnded accessRequestsCancelled ticketsVoided activityHash"
    gone = story.mia.does("removePartner", f"partnership {{ state }} receipt {{ {counts} }}", **lighthouse)
    assert gone["partnership"] == {"state": "TERMINATED"}
    receipt = gone["receipt"]
    assert receipt["sharesEnded"] == 5, "campaign desk, photo library, rates, booking engine, press kit"
    assert receipt["grantsEnded"] == 5, "Greta on four, Dan on one; nobody is left on the press kit"
    assert receipt["accessRequestsCancelled"] == 1
    assert receipt["ticketsVoided"] >= 2
    assert re.fullmatch(r"[0-9a-f]{64}", receipt["activityHash"])
    told = ("ada@harbour.example", "arne@harbour.example", "greta@lighthouse.example", "gustav@lighthouse.example")
    owners = ("mia@harbour.example", "otto@harbour.example")
    story.mails.expect(*told, *owners, "dan@lighthouse.example")


def test_s91_removing_a_partner_removes_every_access(story: Story) -> None:
    accounts = ("campaign_desk", "photo_library", "rate_sheet", "booking_engine", "press_kit")
    for person in (story.greta, story.gustav, story.carla, story.dan, story.eva, story.fred):
        assert story.shared_with(person) == {}
        with story.unchanged():
            for account in accounts:
                assert person.tries("signInToAccount", accountId=story.ids[account])["code"] == "NOT_FOUND"
    for ticket in story.kept["tickets"]:
        assert is_dead(story, ticket), "the unredeemed ticket is dead"
    read = """shares(first: 20) { edges { node { state
      grants { edges { node { state } } } accessRequests { edges { node { state } } } } } }"""
    shares = nodes(story.partnership(story.gustav, story.ids["lighthouse_partnership"], read)["shares"])
    assert {one["state"] for one in shares} <= {"REMOVED"}
    assert {grant["state"] for one in shares for grant in nodes(one["grants"])} <= {"REVOKED"}
    assert "PENDING" not in {item["state"] for one in shares for item in nodes(one["accessRequests"])}
    assert members_seen(story, "ada", "lighthouse_partnership") == set()
    lighthouse = {"partnershipId": story.ids["lighthouse_partnership"]}
    items = [{"accountId": story.ids["campaign_desk"], "role": "COLLABORATOR"}]
    story.refused(story.mia, "shareAccounts", "INVALID_STATE", items=items, **lighthouse)
    story.refused(story.mia, "removePartner", "INVALID_STATE", **lighthouse)
    story.refused(story.greta, "removePartner", "INVALID_STATE", **lighthouse)


def test_s91_a_new_partnership_brings_nothing_back(story: Story) -> None:
    story.ids["lighthouse_partnership"] = request(story, "arne", "lighthouse", "greta@lighthouse.example")
    story.mails.expect("greta@lighthouse.example", "gustav@lighthouse.example")
    accept(story, "gustav", story.ids["lighthouse_partnership"])
    hosts = ("ada@harbour.example", "arne@harbour.example")
    story.mails.expect(*hosts, "greta@lighthouse.example", "gustav@lighthouse.example")
    assert members_seen(story, "arne", "lighthouse_partnership") <= {"Gustav"}
    assert story.partnership(story.arne, story.ids["lighthouse_partnership"], "hiddenShareCount") == {
        "hiddenShareCount": 0
    }
    assert story.shared_with(story.greta) == {}
    assert story.shared_with(story.dan) == {}
    assert story.shared_with(story.omar) == {"Tour calendar": "H"}, "other partnerships go on"
    sign_in(story, "omar", "tour_calendar")


def test_no_mail_went_to_anybody_who_should_not_get_it(story: Story) -> None:
    story.mails.expect_none()
