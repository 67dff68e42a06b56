"""How many mails an organisation may send a day to people who have not asked for them."""

from __future__ import annotations

from typing import Any

import strawberry

from accord.access.permissions import Action
from accord.database.queries.mail_caps import BUDGET_COLUMNS
from accord.schema.context import Info
from accord.schema.decisions import demand_in_organisation
from accord.schema.permissions import guarded
from accord.schema.types.enums import MailBudget


@guarded(Action.MAIL_BUDGET_READ)
@strawberry.type(description="One of an organisation's budgets of mail.")
class MailsPerDay:
    budget: MailBudget
    per_day: int
    raised: bool = strawberry.field(description="Has the operator set it for this organisation?")


def mail_budgets_of(info: Info, row: Any) -> list[MailsPerDay]:
    """Every budget of an organisation, for its admins and the operator."""
    demand_in_organisation(info, row.key, Action.MAIL_BUDGET_READ)
    set_by_operator = {budget: getattr(row, column.name) for budget, column in BUDGET_COLUMNS.items()}
    return [
        MailsPerDay(
            budget=budget,
            per_day=info.context.database.mails_per_day[budget] if number is None else number,
            raised=number is not None,
        )
        for budget, number in set_by_operator.items()
    ]
