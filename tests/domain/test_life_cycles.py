"""The life cycles as truth tables, read by hand from model 4.4: every state against every event."""

from itertools import product
from typing import Any, Final

import pytest

from accord.domain.acting import SESSION, SessionEvent, SessionState
from accord.domain.amendment import AMENDMENT, AmendmentEvent, AmendmentState
from accord.domain.billing import INVOICE, InvoiceEvent, InvoiceState
from accord.domain.callers.api_client import API_CLIENT, ApiClientEvent, ApiClientStatus
from accord.domain.contact import CONTACT, ContactEvent, ContactStatus
from accord.domain.delegation import DELEGATION, DelegationEvent, DelegationState
from accord.domain.errors import InvalidState
from accord.domain.lifecycle import LifeCycle
from accord.domain.organisation import MEMBERSHIP, MembershipEvent, MembershipStatus
from accord.domain.partnership import PARTNERSHIP, TERMINAL, PartnershipEvent, PartnershipState
from accord.domain.sharing import (
    ACCESS_ITEM,
    ACCOUNT,
    GRANT,
    SHARE,
    AccessItemEvent,
    AccessItemState,
    AccountEvent,
    AccountStatus,
    GrantEvent,
    GrantState,
    ShareEvent,
    ShareState,
)

PARTNERSHIP_STEPS: Final = """
AWAITING_HOST_APPROVAL     remind     AWAITING_HOST_APPROVAL
AWAITING_HOST_APPROVAL     approve    AWAITING_GUEST_ACCEPTANCE
AWAITING_HOST_APPROVAL     connect    ACTIVE
AWAITING_HOST_APPROVAL     decline    DECLINED_BY_HOST
AWAITING_HOST_APPROVAL     withdraw   WITHDRAWN
AWAITING_HOST_APPROVAL     lapse      LAPSED
AWAITING_GUEST_ACCEPTANCE  accept     ACTIVE
AWAITING_GUEST_ACCEPTANCE  refuse     DECLINED_BY_GUEST
AWAITING_GUEST_ACCEPTANCE  resend     AWAITING_GUEST_ACCEPTANCE
AWAITING_GUEST_ACCEPTANCE  withdraw   WITHDRAWN
AWAITING_GUEST_ACCEPTANCE  lapse      LAPSED
AWAITING_GUEST_ACCEPTANCE  transfer   AWAITING_GUEST_ACCEPTANCE
DECLINED_BY_GUEST          resend     AWAITING_GUEST_ACCEPTANCE
DECLINED_BY_GUEST          resubmit   AWAITING_HOST_APPROVAL
DECLINED_BY_GUEST          withdraw   WITHDRAWN
DECLINED_BY_GUEST          transfer   DECLINED_BY_GUEST
ACTIVE                     share      ACTIVE
ACTIVE                     transfer   ACTIVE
ACTIVE                     represent  ACTIVE
ACTIVE                     suspend    SUSPENDED
ACTIVE                     extend     ACTIVE
ACTIVE                     amend      ACTIVE
ACTIVE                     delegate   ACTIVE
ACTIVE                     clear_roles  ACTIVE
ACTIVE                     raiseLevel   ACTIVE
ACTIVE                     reduceLevel  ACTIVE
ACTIVE                     remove     TERMINATED
ACTIVE                     expire     EXPIRED
SUSPENDED                  transfer   SUSPENDED
SUSPENDED                  represent  SUSPENDED
SUSPENDED                  suspend    SUSPENDED
SUSPENDED                  release    SUSPENDED
SUSPENDED                  resume     ACTIVE
SUSPENDED                  clear_roles  SUSPENDED
SUSPENDED                  reduceLevel  SUSPENDED
SUSPENDED                  remove     TERMINATED
SUSPENDED                  expire     EXPIRED
"""
SHARE_STEPS: Final = """
ACTIVE     suspend  SUSPENDED
SUSPENDED  resume   ACTIVE
ACTIVE     unshare  REMOVED
SUSPENDED  unshare  REMOVED
ACTIVE     grant    ACTIVE
ACTIVE     request  ACTIVE
ACTIVE     reduce   ACTIVE
SUSPENDED  reduce   SUSPENDED
"""
GRANT_STEPS: Final = """
ACTIVE  change_role  ACTIVE
ACTIVE  revoke       REVOKED
ACTIVE  leave        REVOKED
ACTIVE  expire       EXPIRED
"""
ITEM_STEPS: Final = """
PENDING  accept    ACCEPTED
PENDING  decline   DECLINED
PENDING  withdraw  WITHDRAWN
PENDING  lapse     LAPSED
PENDING  cancel    CANCELLED
"""
AMENDMENT_STEPS: Final = """
PENDING_HOST   approve   PENDING_GUEST
PENDING_HOST   grant     APPLIED
PENDING_HOST   decline   DECLINED
PENDING_HOST   withdraw  WITHDRAWN
PENDING_HOST   lapse     LAPSED
PENDING_GUEST  accept    APPLIED
PENDING_GUEST  decline   DECLINED
PENDING_GUEST  withdraw  WITHDRAWN
PENDING_GUEST  lapse     LAPSED
"""
MEMBERSHIP_STEPS: Final = """
INVITED      accept      ACTIVE
INVITED      invite      INVITED
INVITED      remove      REMOVED
ACTIVE       update      ACTIVE
ACTIVE       deactivate  DEACTIVATED
ACTIVE       remove      REMOVED
DEACTIVATED  reactivate  ACTIVE
DEACTIVATED  remove      REMOVED
REMOVED      invite      INVITED
"""
ACCOUNT_STEPS: Final = """
ACTIVE  update   ACTIVE
ACTIVE  archive  ARCHIVED
ACTIVE  share    ACTIVE
ACTIVE  sign_in  ACTIVE
"""
SESSION_STEPS: Final = """
ACTIVE  leave   ENDED
ACTIVE  revoke  REVOKED
ACTIVE  expire  EXPIRED
"""
DELEGATION_STEPS: Final = """
ACTIVE  clear   REVOKED
ACTIVE  expire  EXPIRED
"""
CONTACT_STEPS: Final = """
INVITED    accept   ACTIVE
INVITED    remove   REMOVED
ACTIVE     convert  CONVERTED
ACTIVE     remove   REMOVED
CONVERTED  remove   REMOVED
"""
INVOICE_STEPS: Final = """
OPEN  pay   PAID
OPEN  void  VOID
"""
API_CLIENT_STEPS: Final = """
ACTIVE  revoke  REVOKED
"""
CYCLES: Final = {
    "partnership": (PARTNERSHIP, PartnershipState, PartnershipEvent, PARTNERSHIP_STEPS),
    "amendment": (AMENDMENT, AmendmentState, AmendmentEvent, AMENDMENT_STEPS),
    "share": (SHARE, ShareState, ShareEvent, SHARE_STEPS),
    "grant": (GRANT, GrantState, GrantEvent, GRANT_STEPS),
    "item": (ACCESS_ITEM, AccessItemState, AccessItemEvent, ITEM_STEPS),
    "membership": (MEMBERSHIP, MembershipStatus, MembershipEvent, MEMBERSHIP_STEPS),
    "account": (ACCOUNT, AccountStatus, AccountEvent, ACCOUNT_STEPS),
    "session": (SESSION, SessionState, SessionEvent, SESSION_STEPS),
    "delegation": (DELEGATION, DelegationState, DelegationEvent, DELEGATION_STEPS),
    "contact": (CONTACT, ContactStatus, ContactEvent, CONTACT_STEPS),
    "invoice": (INVOICE, InvoiceState, InvoiceEvent, INVOICE_STEPS),
    "api client": (API_CLIENT, ApiClientStatus, ApiClientEvent, API_CLIENT_STEPS),
}
CASES: Final = [
    pytest.param(cycle, state, event, steps, id=f"{name}-{state}-{event}")
    for name, (cycle, states, events, steps) in CYCLES.items()
    for state, event in product(states, events)
]


def read(steps: str) -> dict[tuple[str, str], str]:
    """The table as text: state, event, next state."""
    lines = [line.split() for line in steps.strip().splitlines()]
    return {(state, event): after for state, event, after in lines}


@pytest.mark.parametrize(("cycle", "state", "event", "steps"), CASES)
def test_a_step_is_legal_exactly_where_the_model_says(
    cycle: LifeCycle[Any, Any], state: Any, event: Any, steps: str
) -> None:
    expected = read(steps).get((state, event))
    assert cycle.permits(state, event) == (expected is not None)
    if expected is not None:
        assert cycle.move(state, event) == expected
        return
    with pytest.raises(InvalidState) as refused:
        cycle.move(state, event)
    assert refused.value.current == state
    assert refused.value.allowed == tuple(sorted(name for source, name in read(steps) if source == state))


@pytest.mark.parametrize("name", CYCLES)
def test_sources_and_events_are_the_two_sides_of_the_table(name: str) -> None:
    cycle, states, events, _ = CYCLES[name]
    table: LifeCycle[Any, Any] = cycle  # type: ignore[assignment]
    for state, event in product(states, events):
        assert (state in table.sources(event)) == (event.value in table.events(state)) == table.permits(state, event)


def test_nothing_leads_out_of_a_terminal_state() -> None:
    assert {state for state in PartnershipState if not PARTNERSHIP.events(state)} == TERMINAL
    for cycle, ended in ((SHARE, {"REMOVED"}), (GRANT, {"REVOKED", "EXPIRED"}), (ACCOUNT, {"ARCHIVED"})):
        table: LifeCycle[Any, Any] = cycle
        assert {state for state in table.table.values() if not table.events(state)} == ended


def test_access_begins_by_a_second_yes_and_comes_back_by_resuming() -> None:
    """Invariant 16: no resend or transfer makes a partnership ACTIVE that was not (links make new ones); `connect` is
    the host's yes to what the guest itself has asked for."""
    into_active = {
        event for (state, event), after in PARTNERSHIP.table.items() if after == "ACTIVE" and state != "ACTIVE"
    }
    assert into_active == {PartnershipEvent.ACCEPT, PartnershipEvent.CONNECT, PartnershipEvent.RESUME}
