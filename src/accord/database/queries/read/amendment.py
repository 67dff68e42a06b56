"""Amendments of partnerships as the API reads them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Boolean, DateTime, cast, func, or_, select

from accord.database.clock import amendment_state
from accord.database.queries.read.pages import PARENT, Item, as_text, global_id, grouped, looked_up, one_of, paged
from accord.database.tables.amendment import amendments
from accord.database.visibility import sees_amendment


class AmendmentRow(Item):
    """One amendment; `terms_before` and `terms_after` in columns of their own."""

    type_name = "Amendment"


a = amendments.alias("a")
STATE: Final = amendment_state(a)


def _terms(kept: Any, when: str) -> tuple[Any, ...]:
    listed = func.array(select(func.jsonb_array_elements_text(kept["purposes"])).scalar_subquery())
    return (
        listed.label(f"{when}_purposes"),
        cast(kept["expiresAt"].astext, DateTime(timezone=True)).label(f"{when}_expires_at"),
        kept["accessMode"].astext.label(f"{when}_access_mode"),
        cast(kept["walletEntrusted"].astext, Boolean()).label(f"{when}_wallet_entrusted"),
        kept["level"].astext.label(f"{when}_level"),
    )


AMENDMENT: Final = (
    global_id("amendment", a.c.id),
    as_text(a.c.partnership_id),
    a.c.side,
    a.c.kind,
    STATE.label("state"),
    *_terms(a.c.terms_before, "before"),
    *_terms(a.c.terms_after, "after"),
    as_text(a.c.proposed_by),
    a.c.proposed_at,
    a.c.host_decision,
    as_text(a.c.host_decided_by),
    a.c.host_decided_at,
    a.c.guest_decision,
    as_text(a.c.guest_decided_by),
    a.c.guest_decided_at,
    a.c.decision_reason,
    a.c.lapses_at,
    a.c.ended_at,
    a.c.version,
)

AMENDMENT_BY_ID: Final = looked_up(AmendmentRow, AMENDMENT, a.c.id, sees_amendment(a))
AMENDMENTS: Final = paged(
    AmendmentRow,
    AMENDMENT,
    a,
    (a.c.partnership_id == PARENT, sees_amendment(a), one_of(STATE, "state")),
    a.c.id,
    newest_first=True,
)
OPEN_AMENDMENTS: Final = grouped(
    AmendmentRow,
    AMENDMENT,
    a.c.partnership_id,
    or_(STATE == "PENDING_HOST", STATE == "PENDING_GUEST"),
    sees_amendment(a),
    order=a.c.id,
)
"""Those that wait for an answer."""
