"""The table: each way that gives a role, an access or a mail, and the rule that holds there.

`test_ways.py` walks it: every mutation and every other way is gone once, and gives what its row says and nothing else.
A mutation without a row gives nothing. `python -m tests.ways.page` writes it as `docs/ways.md`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """How the way is gone."""

    ACT = "act"
    OPERATOR = "operator's act"
    DIRECTORY = "directory"
    LINK = "link in a mail"
    SIGN_IN = "sign-in"
    POLICY = "policy"
    TIME = "time"


ROLE, ACCESS = "role", "access"


@dataclass(frozen=True, slots=True)
class Way:
    """One way: what it gives in its usual case, and the rule that stands there."""

    kind: Kind
    gives: frozenset[str]
    rule: str


def way(kind: Kind, gives: Iterable[str], rule: str) -> Way:
    """A row of the table; mails are named by their template."""
    return Way(kind, frozenset(gives), rule)


def mail(*templates: str) -> frozenset[str]:
    return frozenset(f"mail {template}" for template in templates)


A, LINK, STAFF = Kind.ACT, Kind.LINK, Kind.OPERATOR

ACTS: Final[Mapping[str, Way]] = MappingProxyType(
    {
        "requestPartnership": way(
            A,
            mail("request_filed"),
            "A person of the host at home. The host's admin approves and the guest's accepts before anything is given.",
        ),
        "remindPartnership": way(
            A, mail("reminder"), "The person who asked, once in 24 hours and five times for the pair, withdrawn or not."
        ),
        "approvePartnership": way(
            A,
            {ROLE} | mail("invitation", "invitation_sent"),
            "An admin or legal representative of the host at home, never the person who asked, and no API client. The "
            "person who asked becomes Partnership Owner.",
        ),
        "declinePartnership": way(A, mail("host_declined"), "An admin or legal representative of the host."),
        "acceptPartnership": way(
            A,
            {ROLE, ACCESS} | mail("accepted"),
            "An admin of the guest at home, with consent to the current terms, on the version that was read, and never "
            "the person who acted for the host. The link of the mail gives no right to it.",
        ),
        "refusePartnership": way(A, mail("guest_declined"), "An admin of the guest."),
        "resendPartnership": way(
            A, mail("invitation"), "An owner or leader of the host, once in 24 hours and five times; older links die."
        ),
        "withdrawPartnership": way(A, mail("withdrawn"), "An owner, leader or the person who asked."),
        "removePartner": way(A, mail("partnership_ended"), "An owner or leader of the host, or an admin of the guest."),
        "transferPartnership": way(
            A,
            {ROLE} | mail("ownership_moved"),
            "An owner; an admin of the host never to oneself while the owner is active.",
        ),
        "setCoOwners": way(A, {ROLE}, "An owner, or an admin of the host, never oneself while the owner is active."),
        "setRepresentative": way(
            A, {ROLE} | mail("representative_changed"), "An admin of the guest; an active member of the guest."
        ),
        "suspendPartnership": way(
            A, mail("partnership_suspended"), "Each side for itself; many within an hour are one digest."
        ),
        "resumePartnership": way(
            A,
            {ACCESS} | mail("partnership_resumed"),
            "The side that suspended, for itself alone, and not past the end.",
        ),
        "extendPartnership": way(
            A,
            {ACCESS} | mail("partnership_extended"),
            "An admin or legal representative of the host, within the policy's longest duration, before the end.",
        ),
        "setAutoExtend": way(A, mail("auto_extend_changed"), "As extendPartnership; the guest's admins are told."),
        "amendPartnership": way(
            A,
            mail("amendment_proposed"),
            "A narrower change applies at once, a wider one waits for the other side's yes; COMPLETE and the wallet "
            "wait for a legal representative of the host.",
        ),
        "decideAmendment": way(
            A, mail("amendment_applied"), "The side whose turn it is, never the person who proposed it."
        ),
        "withdrawAmendment": way(A, mail("amendment_closed"), "The side that proposed it."),
        "invitePartner": way(
            A,
            {ROLE} | mail("invitation"),
            "A legal representative of the host; an admin to LIMITED where the policy says so. Nothing is given before "
            "the guest accepts.",
        ),
        "requestCustomer": way(
            A,
            mail("customer_requested"),
            "An admin of a partner in good standing, by the request code; the host decides.",
        ),
        "setDelegatedRoles": way(
            A,
            {ROLE} | mail("roles_cleared", "roles_delegated"),
            "A Decision Maker, legal representative or admin of the host at home, to the partner of record.",
        ),
        "delegateRoles": way(A, {ROLE} | mail("roles_delegated"), "As setDelegatedRoles."),
        "clearRoles": way(A, mail("roles_cleared"), "As setDelegatedRoles; taking back never waits for a cap."),
        "addRoleGroupMembers": way(
            A,
            {ROLE},
            "An admin of the guest, or the representative where the guest's policy says so; active members alone.",
        ),
        "addExternalContact": way(
            A, mail("contact_invited"), "A leader of the host at home. Nothing is given before the person is known."
        ),
        "acceptContact": way(
            LINK,
            {ROLE},
            "The invited person, signed in with the verified address that was invited; others wait for the host.",
        ),
        "assignCustomers": way(A, {ACCESS}, "An admin of the guest; delegated admins of the guest alone."),
        "shareAccounts": way(
            A,
            {ACCESS} | mail("shared"),
            "A Partnership Owner who owns the account; to the representative or people seen.",
        ),
        "unshareAccount": way(A, mail("access_removed"), "A Partnership Owner, or an admin who sees the account."),
        "suspendShare": way(A, mail("share_suspended"), "A Partnership Owner, or an admin who sees the account."),
        "resumeShare": way(A, {ACCESS} | mail("share_resumed"), "As suspendShare, not past the partnership's end."),
        "changeMemberRole": way(A, {ACCESS} | mail("role_changed"), "An owner of the account."),
        "removeMemberFromShare": way(
            A, mail("access_removed"), "An owner of the account or partnership; the guest's admin."
        ),
        "removeMemberFromPartnership": way(
            A, mail("access_removed"), "An owner or admin of the host; the guest's admin."
        ),
        "requestAccess": way(
            A,
            mail("access_requested"),
            "An Account Manager on the account; the account's owners decide on each person.",
        ),
        "decideAccessRequests": way(
            A,
            {ACCESS} | mail("access_decided"),
            "An owner of the account, for each person; never more than was asked for.",
        ),
        "signInToAccount": way(
            A, {ACCESS}, "Who holds a live grant; the ticket is good for one use and dies with the grant."
        ),
        "createAccount": way(A, {ROLE}, "A person of the organisation at home, who becomes its owner."),
        "archiveAccount": way(A, mail("access_removed"), "An owner of the account."),
        "setAccountOwners": way(A, {ROLE}, "An owner of the account; an admin where no owner is active."),
        "inviteMember": way(
            A,
            mail("member_invited"),
            "An admin, or somebody acting under MANAGE or DECISION_MAKER, who can give MEMBER alone. No right before "
            "the invited person has signed in. Mails are counted by sender and recipient.",
        ),
        "updateMember": way(
            A,
            {ROLE},
            "An admin. LEGAL_REPRESENTATIVE is given by a legal representative; nobody gives it, DECISION_MAKER or "
            "AUDITOR to oneself.",
        ),
        "reactivateMember": way(A, {ROLE}, "An admin; as a plain member, without what was had before."),
        "removeMember": way(
            A,
            {ROLE} | mail("needs_owner", "changed_together"),
            "An admin; never the last one or the last legal representative. Ownership passes to an heir, with "
            "one mail for many partnerships.",
        ),
        "acceptMembership": way(
            LINK,
            {ROLE, ACCESS},
            "The invited person, signed in with the verified address that was invited; others wait for an admin.",
        ),
        "unfreezePartnerAccess": way(A, {ACCESS}, "A leader of the host at home; nothing that was not there before."),
        "createOrganisation": way(
            STAFF, {ACCESS} | mail("organisation_created"), "The operator. Its first admin follows a link."
        ),
        "inviteFirstAdmin": way(
            STAFF, mail("organisation_created"), "The operator, where no admin is active; older links die."
        ),
        "nameLegalRepresentative": way(
            STAFF,
            {ROLE} | mail("leading_roles_changed"),
            "The operator; an active member. The person and admins are told.",
        ),
        "confirmInvitationClaim": way(
            A, mail("claim_confirmed"), "An admin at home; gives nothing by itself: the person follows the link again."
        ),
        "setDataAccess": way(
            A,
            {ACCESS} | mail("level_changed"),
            "A leader of the host at home, within the ceiling, with confirmation; never somebody acting.",
        ),
        "shareDataWithPartner": way(
            A, {ACCESS} | mail("level_changed"), "As setDataAccess: on is MANAGE, off is NONE."
        ),
        "linkPartner": way(
            STAFF,
            {ACCESS, ROLE} | mail("partner_linked"),
            "The operator; the link alone gives no access unless the deployment lets the sale give SUPPORT.",
        ),
        "endPartnerLink": way(STAFF, mail("partner_link_ended", "partnership_ended"), "The operator."),
        "setPartnerStatus": way(STAFF, mail("partnership_suspended"), "The operator."),
        "switchOrganisation": way(
            A, {ACCESS}, "Who has a basis at the customer, at home; for an hour, asked again at every request."
        ),
        "createApiClient": way(
            A,
            {ACCESS},
            "An admin for oneself; never more than the owner may, and it approves, grants and widens nothing.",
        ),
        "createScimCredential": way(
            A, {ACCESS}, "An admin at home; it reaches people and groups of the organisation alone."
        ),
    }
)
"""Every mutation that gives something, by its name."""


DIRECTORY, SIGN_IN, POLICY, TIME = Kind.DIRECTORY, Kind.SIGN_IN, Kind.POLICY, Kind.TIME

BESIDE: Final[Mapping[str, Way]] = MappingProxyType(
    {
        "A directory makes a person": way(
            DIRECTORY,
            {ROLE} | mail("member_invited"),
            "The organisation's credential; an active organisation; a plain member, whose mailed link is counted.",
        ),
        "A directory puts somebody into a group with roles": way(
            DIRECTORY,
            {ROLE},
            "An admin has given the group its roles, never LEGAL_REPRESENTATIVE; a role that one may not give oneself "
            "counts only where somebody else made the credential and gave it.",
        ),
        "A directory lets somebody in again": way(
            DIRECTORY,
            {ROLE} | mail("member_invited"),
            "As a plain member, with what groups give now. A link for somebody who never came waits within the day.",
        ),
        "A directory lets somebody go": way(DIRECTORY, (), "Always, whatever else the request says."),
        "An issuer introduces somebody at the first sign-in": way(
            SIGN_IN, {ROLE, ACCESS}, "An issuer that the deployment binds to the organisation and lets provision."
        ),
        "A request to a partner whom the host's policy approves by itself": way(
            POLICY,
            {ROLE} | mail("invitation"),
            "The policy stands in for the host's approval of a request alone; the guest accepts.",
        ),
        "A partnership renews itself": way(
            TIME, {ACCESS} | mail("partnership_extended"), "Where the host has said so, and nobody has suspended it."
        ),
        "A partnership's end comes": way(
            TIME, mail("partnership_ended"), "At reading; the worker writes it and tells."
        ),
        "A partnership's end is near": way(TIME, mail("expiring"), "30, 7 and 1 days before, once each."),
        "A request is not answered in time": way(TIME, mail("lapsed", "withdrawn"), "At reading; the worker tells."),
    }
)
"""The ways beside the mutations, in words; `beside.py` walks each."""
