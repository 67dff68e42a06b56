"""What each host sets for itself, what the vendor bills it, and what it pays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from accord.demo.cast import COMPANIES
from accord.demo.stage import Stage
from accord.domain.billing import Money
from accord.services.billing import issue_invoice, pay_invoice, top_up_wallet, void_invoice
from accord.services.setting import set_feature, update_settings


@dataclass(frozen=True, slots=True)
class House:
    """A host, the admin who looks after it, its settings, and its bills: the last of them is open, the
    others are paid, and one more was a mistake."""

    admin: str
    locale: str
    time_zone: str
    currency: str
    wallet: int
    bills: tuple[int, ...]
    features: tuple[str, ...]


HOUSES: Final = (
    House(
        "nora", "en-GB", "Europe/London", "GBP", 250_000, (48_000, 48_000, 51_500), ("call_forwarding", "early_access")
    ),
    House("greta", "de-CH", "Europe/Zurich", "CHF", 90_000, (31_000, 36_000), ("threat_reports",)),
    House("max", "nb-NO", "Europe/Oslo", "NOK", 400_000, (120_000, 125_000), ("usage_statistics",)),
)


async def the_houses(stage: Stage) -> None:
    """Every host has settings, features, a wallet, and bills in every state."""
    await stage.at(24, "08:30")
    for house in HOUSES:
        await _settles(stage, house)
    await stage.at(23, "09:00")
    for house in HOUSES:
        await _is_billed(stage, house)


async def _settles(stage: Stage, house: House) -> None:
    domain = next(company.domain for company in COMPANIES if company.key == stage.homes[house.admin])
    await stage.does(
        house.admin,
        update_settings,
        locale=house.locale,
        time_zone=house.time_zone,
        notification_addresses=f"office@{domain}, it@{domain}",
        security_contact=f"security@{domain}",
    )
    for key in house.features:
        await stage.does(house.admin, set_feature, key=key, enabled=True)
    await stage.does(house.admin, top_up_wallet, amount=Money(house.wallet, house.currency))


async def _is_billed(stage: Stage, house: House) -> None:
    customer = stage.organisations[stage.homes[house.admin]]
    due = (stage.clock.now + timedelta(days=30)).date()
    made = [
        await stage.operates(
            issue_invoice,
            customer_id=customer,
            number=f"{due:%Y}-{number:04}",
            amount=Money(amount, house.currency),
            due_on=due,
        )
        for number, amount in enumerate((*house.bills, house.bills[-1]), 101)
    ]
    for invoice_id in made[: len(house.bills) - 1]:
        await stage.does(house.admin, pay_invoice, invoice_id=invoice_id)
    await stage.operates(void_invoice, invoice_id=made[-1])
