"""What of an organisation's own data a principal sees: settings, bills and figures (model 4.15).

As `visibility.py`, of which this is the part about the organisation itself.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from accord.database.visibility import Predicate, keys


def counts_in_dashboard(organisation_id: ColumnElement[Any], partnership_id: ColumnElement[Any]) -> Predicate:
    """What the dashboard's figures count: for leaders everything, whatever they may name; for who acts in the host
    what stands in the partnership acted under (model 4.7)."""
    return or_(
        organisation_id == keys("leads"),
        and_(organisation_id == keys("acts_reading"), partnership_id == keys("acts_under")),
    )


def reads_settings(organisation_id: ColumnElement[Any]) -> Predicate:
    """Whose settings and features? Members their own organisation's, and those acting with more than SUPPORT."""
    return or_(organisation_id == keys("works_in"), organisation_id == keys("acts_settings"))


def reads_bills(organisation_id: ColumnElement[Any]) -> Predicate:
    """Whose invoices and wallet? Leaders their own organisation's, and those acting with billing (model 4.15)."""
    return or_(organisation_id == keys("leads"), organisation_id == keys("acts_billing"))
