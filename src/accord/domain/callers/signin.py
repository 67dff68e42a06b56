"""First sign-ins: what an issuer's word about somebody unknown leads to, and how long a browser stays signed in."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from typing import Final

from accord.domain.organisation import MembershipStatus

SESSION_LIFE: Final = timedelta(hours=12)
SESSION_IDLE: Final = timedelta(hours=1)
SESSION_NOTED: Final = timedelta(minutes=1)
"""How often the use of a browser session is written down."""

ATTEMPT_LIFE: Final = timedelta(minutes=10)
"""How long somebody may take at the provider."""


class FirstSignIn(StrEnum):
    """What becomes of somebody who signs in for the first time."""

    PROVISION = "PROVISION"
    MATCH = "MATCH"
    STRANGER = "STRANGER"


def first_sign_in(places: Collection[MembershipStatus], *, at_home: bool, bound: bool, provisions: bool) -> FirstSignIn:
    """What an issuer's first word about an address of its organisation leads to (model 4.4.5).

    `places`: the memberships there with this address, of invitations those alone that still wait; `at_home`: is one
    person with this address at home there, and `bound`, does anybody sign in as that person? An active one may be
    matched as whom nobody does. A place that was taken away comes back by the organisation's own act alone, and an
    invitation by its link, since it may carry roles.
    """
    if at_home:
        matched = not bound and list(places) == [MembershipStatus.ACTIVE]
        return FirstSignIn.MATCH if matched else FirstSignIn.STRANGER
    if places or not provisions:
        return FirstSignIn.STRANGER
    return FirstSignIn.PROVISION
