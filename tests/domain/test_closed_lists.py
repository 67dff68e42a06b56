"""Closed lists and limits, written out by hand from the model: whoever changes one changes it here, too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from accord.database.queries import expiry
from accord.domain import acting, amendment, billing, mail_budget, organisation, partnership, report, sharing, text
from accord.domain.activity import EventType
from accord.domain.callers import api_client, retry, scim, signin
from accord.domain.level import UNBOUNDED, DataAccessLevel
from accord.domain.organisation import Role
from accord.domain.partnership import Holder, PartnershipState
from accord.domain.policy import Policy
from accord.domain.report import ReportName, billing_types, types_of
from accord.services import digest
from accord.services import expiry as sweep

S = PartnershipState
LIMITS: Final[dict[str, tuple[Any, Any]]] = {
    # what it bounds: the constant, and what the model says
    "the host decides within (4.4.1)": (partnership.HOST_DECIDES_WITHIN, timedelta(days=30)),
    "the guest decides within (4.4.1)": (partnership.GUEST_DECIDES_WITHIN, timedelta(days=14)),
    "a refused one is kept for (4.4.1)": (partnership.REFUSED_KEPT_FOR, timedelta(days=30)),
    "notice of the lapse (4.4.1)": (partnership.LAPSE_NOTICE, timedelta(days=3)),
    "between reminders (4.4.1)": (partnership.BETWEEN_REMINDERS, timedelta(hours=24)),
    "reminders (4.4.1)": (partnership.REMINDERS, 5),
    "an amendment is decided within (4.4.6)": (amendment.DECIDED_WITHIN, timedelta(days=14)),
    "an access request waits (4.4.4)": (sharing.ACCESS_REQUEST_LIFE, timedelta(days=14)),
    "a ticket lives (4.16)": (sharing.TICKET_LIFE, timedelta(seconds=60)),
    "a session lasts (4.4.5)": (acting.LONGEST, timedelta(minutes=60)),
    "a session idles (4.4.5)": (acting.IDLE, timedelta(minutes=15)),
    "a session's use is noted": (acting.NOTED_EVERY, timedelta(seconds=30)),
    "an invitation lives (4.2)": (organisation.INVITATION_LIFE, timedelta(hours=72)),
    "characters of a handle (4.2)": (organisation.HANDLE_LENGTH, 12),
    "an API client's secret lives (4.2)": (api_client.LONGEST, timedelta(days=365)),
    "an API client's token lives": (api_client.TOKEN_LIFE, timedelta(minutes=15)),
    "an API client's use is noted": (api_client.NOTED_EVERY, timedelta(minutes=1)),
    "a directory's credential lives": (scim.FIRST_LIFE, timedelta(days=180)),
    "a directory's credential lives at most": (scim.LONGEST_LIFE, timedelta(days=366)),
    "credentials of a directory": (scim.CREDENTIALS, 10),
    "a directory's refusal is told again": (scim.TOLD_AGAIN, timedelta(days=1)),
    "a browser stays signed in": (signin.SESSION_LIFE, timedelta(hours=12)),
    "a browser idles": (signin.SESSION_IDLE, timedelta(hours=1)),
    "a sign-in takes": (signin.ATTEMPT_LIFE, timedelta(minutes=10)),
    "an outcome is kept": (retry.KEPT_FOR, timedelta(hours=24)),
    "a report's period (4.15)": (report.LONGEST_PERIOD, timedelta(days=400)),
    "a dashboard's series (4.15)": (report.SERIES, timedelta(days=30)),
    "a grant is unused after (4.15)": (report.UNUSED_AFTER, timedelta(days=60)),
    "a grant is about to expire (4.15)": (report.EXPIRING_WITHIN, timedelta(days=30)),
    "an invoice's amount (4.15)": (billing.LARGEST_AMOUNT, 10**12),
    "a wallet's balance": (billing.LARGEST_BALANCE, 2**53 - 1),
    "characters of a name": (text.NAME_LENGTH, 200),
    "characters of a note": (text.TEXT_LENGTH, 10_000),
    "characters of an address": (text.ADDRESS_LENGTH, 254),
    "addresses of a form (4.11)": (text.ADDRESSES, 20),
    "mails are counted within (4.11)": (mail_budget.DAY, timedelta(days=1)),
    "counted mails of an organisation (4.11)": (mail_budget.DEFAULT_PER_DAY[mail_budget.MailBudget.PARTNERS], 20),
    "counted mails to one address (4.11)": (mail_budget.PER_RECIPIENT, 5),
    "the digest goes out (4.11)": (digest.EVERY, timedelta(days=1)),
    "days before an end that are told (4.11)": (sweep.EXPIRY_NOTICES, (1, 7, 30)),
    "an end moves on by itself before": (expiry.EXTENDED_BEFORE, timedelta(hours=1)),
}


@pytest.mark.parametrize("what", LIMITS)
def test_a_limit_is_what_the_model_says(what: str) -> None:
    constant, said = LIMITS[what]
    assert constant == said


LISTS: Final[dict[str, tuple[frozenset[str], str]]] = {
    "a pair has one of these (S44)": (
        frozenset(partnership.OPEN),
        "AWAITING_HOST_APPROVAL AWAITING_GUEST_ACCEPTANCE DECLINED_BY_GUEST ACTIVE SUSPENDED",
    ),
    "connected": (frozenset(partnership.CONNECTED), "ACTIVE SUSPENDED"),
    "awaiting": (frozenset(partnership.AWAITING), "AWAITING_HOST_APPROVAL AWAITING_GUEST_ACCEPTANCE"),
    "who can hold a partnership (4.4.1)": (frozenset(Holder), "HOST GUEST OPERATOR"),
    "roles nobody gives to oneself (4.2)": (
        organisation.NEVER_TO_ONESELF,
        "LEGAL_REPRESENTATIVE DECISION_MAKER AUDITOR",
    ),
    "holders nobody touches who acts (4.9)": (
        organisation.PROTECTED,
        "ORG_ADMIN LEGAL_REPRESENTATIVE DECISION_MAKER AUDITOR",
    ),
    "roles of a directory's groups (4.2)": (
        scim.GIVEABLE,
        "ORG_ADMIN DECISION_MAKER PHONE_MANAGER MEMBER AUDITOR",
    ),
    "currencies that are none": (billing.NO_CURRENCY, "XXX XTS"),
    "events of bills (S113)": (
        frozenset(billing_types()),
        "invoice.issued invoice.paid invoice.voided wallet.topped_up",
    ),
    "what sign-ins report": (frozenset(types_of(ReportName.SIGN_INS) or ()), "signin.account signin.platform"),
    "what sharing reports": (
        frozenset(types_of(ReportName.SHARING) or ()),
        """share.added share.removed share.suspended share.resumed grant.role_changed grant.revoked grant.expired
        access_request.filed access_request.accepted access_request.declined access_request.withdrawn
        access_request.lapsed access_request.cancelled""",
    ),
}


@pytest.mark.parametrize("what", LISTS)
def test_a_closed_list_is_what_the_model_says(what: str) -> None:
    held, said = LISTS[what]
    assert {str(one) for one in held} == set(said.split())


COUNTED_BY: Final = {
    "SIGN_INS": "signin",
    "SHARING": "share grant access_request",
    "PARTNERSHIPS": "partnership amendment link level delegation rolegroup assignment contact session terms access",
    "ADMINISTRATION": "organisation member account settings feature policy export api_client scim_credential",
}


@pytest.mark.parametrize("name", ReportName)
def test_a_report_counts_its_events_and_no_others(name: ReportName) -> None:
    said = COUNTED_BY.get(name)
    if said is None:
        assert types_of(name) is None
        return
    nouns = said.split()
    assert set(types_of(name) or ()) == {kind.value for kind in EventType if kind.value.partition(".")[0] in nouns}


def test_an_organisation_without_a_policy_has_the_defaults_of_the_model() -> None:
    """Each entry of 4.2: nothing is open that an admin has not opened."""
    policy = Policy()
    assert policy.host_admin_may_unshare
    assert policy.roles_only_to_partner_of_record
    closed = ("require_mfa", "require_reason", "representative_manages_groups", "explicit_assignment", "frozen")
    assert not any(getattr(policy, name) for name in (*closed, "admin_may_invite"))
    for name in ("allowed_partners", "blocked_partners", "auto_approve_partners"):
        assert getattr(policy, name) == frozenset()
    assert policy.max_partnership_duration is None
    assert policy.default_auto_extend is None


def test_no_ceiling_is_the_highest_level() -> None:
    assert UNBOUNDED is DataAccessLevel.MANAGE


def test_which_roles_there_are() -> None:
    said = "ORG_ADMIN LEGAL_REPRESENTATIVE DECISION_MAKER PHONE_MANAGER MEMBER AUDITOR"
    assert [role.value for role in Role] == said.split()
