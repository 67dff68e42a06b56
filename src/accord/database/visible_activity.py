"""Which events a principal can see, and what of them (S87, Q31, model 4.7)."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Uuid, all_, and_, cast, or_
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.sql import expression

from accord.database.tables.activity import activity_events
from accord.database.visibility import (
    OPERATOR,
    Predicate,
    acts_on_account,
    keys,
    owns_account,
    sees_account_at_host,
)
from accord.domain.activity import EventType
from accord.domain.organisation import PLATFORM
from accord.domain.report import billing_types

BILLING_TYPES: Final = billing_types()


def sees_event(e: FromClause = activity_events) -> Predicate:
    """Which events? Leaders and auditors their organisation's stream, Account Owners their accounts', the operator the
    platform's (S87, Q17); who acts the host's, without what concerns other partners (model 4.7)."""
    return or_(
        _sees_stream(e.c.stream_id),
        and_(e.c.stream_id == e.c.host_id, owns_account(e.c.account_id, e.c.host_id)),
        _sees_while_acting(e),
    )


def _sees_stream(stream_id: ColumnElement[Any]) -> Predicate:
    """Which streams as a whole?"""
    platform = cast(expression.literal(str(PLATFORM)), Uuid())
    return or_(stream_id == keys("leads"), stream_id == keys("audits"), and_(OPERATOR, stream_id == platform))


def reads_by_sequence(stream_id: ColumnElement[Any]) -> Predicate:
    """Is the stream one of which the viewer sees all, or, acting, the most? All others see events by accounts alone."""
    return or_(_sees_stream(stream_id), stream_id == keys("acts_reading"))


def _sees_while_acting(e: FromClause) -> Predicate:
    """What the host does by itself, and what concerns the partner acted for: nothing of other partners, nor of the host
    as somebody's guest (model 4.7). Billing is for who may read bills (S113); what others exported names whom they
    looked for."""
    return and_(
        e.c.stream_id == keys("acts_reading"),
        or_(e.c.guest_id.is_(None), e.c.guest_id == keys("acts_from")),
        or_(e.c.host_id.is_(None), e.c.host_id == e.c.stream_id),
        or_(
            e.c.actor_home_organisation_id.is_(None),
            e.c.actor_home_organisation_id == e.c.stream_id,
            e.c.actor_home_organisation_id == keys("acts_from"),
        ),
        or_(e.c.type != all_(array(BILLING_TYPES)), e.c.stream_id == keys("acts_billing")),
        or_(e.c.type != EventType.EXPORT_CREATED.value, e.c.actor_home_organisation_id == keys("acts_from")),
    )


def names_account(e: FromClause = activity_events) -> Predicate:
    """May the viewer know which account an event is about? Leaders of the host only where they see the account (Q31);
    guest admins, whose stream holds nothing but what is shared with them, and auditors always."""
    return or_(
        e.c.account_id.is_(None),
        e.c.stream_id == keys("audits"),
        e.c.stream_id != e.c.host_id,
        sees_account_at_host(e.c.account_id, e.c.host_id),
        acts_on_account(e.c.account_id, e.c.host_id),
    )
