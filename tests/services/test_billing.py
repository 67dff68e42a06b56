"""Invoices and the wallet: all or nothing, once, in one currency, never below zero, by those alone who may (S113)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from accord.domain.billing import LARGEST_AMOUNT, LARGEST_BALANCE, Money
from accord.domain.errors import Conflict, DomainError, Forbidden, InvalidState, NotFound, ValidationError
from accord.services.billing import issue_invoice, pay_invoice, top_up_wallet, void_invoice
from tests.services.host_data import BASES, EUR, act_as, balance, bill, fill, refused_as, set_house
from tests.services.scene import Scene, set_scene
from tests.world import STAFF, World

BILLING = ("wallet", "decision_maker")


@pytest.fixture
async def scene(world: World) -> Scene:
    return await set_house(world)


async def state(scene: Scene, invoice: Any) -> str:
    return str((await scene.row("invoices", invoice))["state"])


async def test_an_invoice_is_paid_in_full_and_once(scene: Scene) -> None:
    invoice = await bill(scene, 700)
    await fill(scene, 1_000)
    assert await scene.act("ada", pay_invoice, invoice_id=invoice) == invoice
    row = await scene.row("invoices", invoice)
    assert (row["state"], row["paid_at"]) == ("PAID", scene.world.clock.now)
    assert await balance(scene) == 300
    refusal = await scene.refused("ada", InvalidState, pay_invoice, invoice_id=invoice)
    assert isinstance(refusal, InvalidState)
    assert refusal.current == "PAID"
    paid = (await scene.events(scene.host, "invoice.paid"))[0]
    assert '"amountMinor": 700' in paid["data"]
    assert (await scene.world.verify()).faults == ()


@pytest.mark.parametrize("name", ["ada", "arne", "leo", "dora"])
async def test_leaders_pay_and_top_up(scene: Scene, name: str) -> None:
    invoice = await bill(scene, 5)
    await scene.act(name, top_up_wallet, amount=Money(5, EUR))
    await scene.act(name, pay_invoice, invoice_id=invoice)
    assert (await state(scene, invoice), await balance(scene)) == ("PAID", 0)


@pytest.mark.parametrize("name", ["mia", "phil", "aud", "greta", "zoe"])
async def test_nobody_else_pays_or_tops_up(scene: Scene, name: str) -> None:
    invoice = await bill(scene, 5)
    await fill(scene, 5)
    home = {} if scene[name].organisation == scene.host else {"organisation_id": scene.host.id}
    await scene.refused(name, DomainError, pay_invoice, invoice_id=invoice, **home)
    await scene.refused(name, DomainError, top_up_wallet, amount=Money(5, EUR), **home)


async def test_another_organisations_invoice_is_not_there(scene: Scene) -> None:
    invoice = await bill(scene, 5)
    await scene.act("greta", top_up_wallet, amount=Money(5, EUR))
    await scene.refused("greta", NotFound, pay_invoice, invoice_id=invoice)


@pytest.mark.parametrize("basis", BILLING)
async def test_who_acts_with_billing_pays_and_the_admins_hear_at_once(scene: Scene, basis: str) -> None:
    invoice = await bill(scene, 5)
    await fill(scene, 5)
    await act_as(scene, basis, pay_invoice, invoice_id=invoice)
    assert (await state(scene, invoice), await balance(scene)) == ("PAID", 0)
    assert await scene.mails("invoice_paid") == [{"ada", "arne"}]
    facts = await scene.world.owner.fetchval(
        "SELECT facts FROM accord.mails WHERE template = 'invoice_paid' ORDER BY id DESC LIMIT 1"
    )
    assert '"0.05 EUR"' in facts
    assert '"Lighthouse"' in facts


async def test_at_home_nobody_is_mailed_of_a_payment(scene: Scene) -> None:
    invoice = await bill(scene, 5)
    await fill(scene, 5)
    await scene.act("ada", pay_invoice, invoice_id=invoice)
    assert await scene.mails("invoice_paid") == []


@pytest.mark.parametrize("basis", sorted(BASES.keys() - set(BILLING)))
async def test_no_other_session_pays(scene: Scene, basis: str) -> None:
    """S113: never a Phone Manager, never SUPPORT, and MANAGE not without the wallet."""
    invoice = await bill(scene, 5)
    await fill(scene, 5)
    assert await refused_as(scene, basis, pay_invoice, invoice_id=invoice) == "LEVEL_TOO_LOW"


@pytest.mark.parametrize("basis", BASES)
async def test_no_session_tops_up_the_wallet(scene: Scene, basis: str) -> None:
    """A protected act (model 4.9)."""
    await fill(scene, 5)
    assert await refused_as(scene, basis, top_up_wallet, amount=Money(5, EUR)) == "PROTECTED_ACTION"


async def test_never_below_zero(scene: Scene) -> None:
    invoice = await bill(scene, 700)
    refusal = await scene.refused("ada", InvalidState, pay_invoice, invoice_id=invoice)
    assert isinstance(refusal, InvalidState)
    assert (refusal.current, refusal.allowed) == ("INSUFFICIENT_FUNDS", ("topUpWallet",))
    await fill(scene, 699)
    await scene.refused("ada", InvalidState, pay_invoice, invoice_id=invoice)
    await fill(scene, 1)
    await scene.act("ada", pay_invoice, invoice_id=invoice)
    assert await balance(scene) == 0


async def test_one_wallet_has_one_currency(scene: Scene) -> None:
    invoice = await bill(scene, 5, currency="USD")
    await fill(scene, 100)
    await scene.refused("ada", ValidationError, pay_invoice, invoice_id=invoice)
    await scene.refused("ada", ValidationError, top_up_wallet, amount=Money(5, "USD"))


async def test_what_is_no_amount_is_refused(scene: Scene) -> None:
    for amount in (0, -5, LARGEST_AMOUNT + 1):
        await scene.refused("ada", ValidationError, top_up_wallet, amount=Money(amount, EUR))
    for currency in ("eur", "EU", "EURO", "XXX", ""):
        await scene.refused("ada", ValidationError, top_up_wallet, amount=Money(5, currency))
    await fill(scene, 5)
    sql = "UPDATE accord.wallets SET balance_minor = $2 WHERE id = $1"
    await scene.world.owner.execute(sql, scene.host.id, LARGEST_BALANCE)
    await scene.refused("ada", ValidationError, top_up_wallet, amount=Money(1, EUR))


async def test_versions_are_looked_at(scene: Scene) -> None:
    invoice = await bill(scene, 5)
    await scene.refused("ada", Conflict, top_up_wallet, amount=Money(5, EUR), expected_version=1)
    await scene.act("ada", top_up_wallet, amount=Money(5, EUR), expected_version=0)
    await scene.refused("ada", Conflict, pay_invoice, invoice_id=invoice, expected_version=7)


async def test_the_vendor_issues_and_voids(scene: Scene) -> None:
    invoice = await bill(scene, 700)
    row = await scene.row("invoices", invoice)
    assert (row["state"], row["issued_on"], row["amount_minor"]) == ("OPEN", scene.world.clock.now.date(), 700)
    with pytest.raises(Conflict):
        await bill(scene, 5)
    await scene.world.operate(void_invoice, invoice_id=invoice)
    assert await state(scene, invoice) == "VOID"
    await fill(scene, 700)
    await scene.refused("ada", InvalidState, pay_invoice, invoice_id=invoice)
    with pytest.raises(InvalidState):
        await scene.world.operate(void_invoice, invoice_id=invoice)
    types = [event["type"] for event in await scene.events(scene.host, "invoice.issued", "invoice.voided")]
    assert types == ["invoice.issued", "invoice.voided"]


async def test_what_was_paid_is_not_voided(scene: Scene) -> None:
    invoice = await bill(scene, 5)
    await fill(scene, 5)
    await scene.act("ada", pay_invoice, invoice_id=invoice)
    with pytest.raises(InvalidState):
        await scene.world.operate(void_invoice, invoice_id=invoice)
    assert await state(scene, invoice) == "PAID"


async def test_only_the_vendor_issues_and_voids_and_not_to_an_organisation_of_its_own(scene: Scene) -> None:
    invoice = await bill(scene, 5)
    given: dict[str, Any] = {"customer_id": scene.host.id, "number": "x", "amount": Money(5, EUR)}
    due: dict[str, Any] = {"due_on": scene.world.clock.now.date()}
    for name in ("ada", "greta"):
        for tried in (partial(issue_invoice, **given, **due), partial(void_invoice, invoice_id=invoice)):
            async with scene.unchanged():
                with pytest.raises(Forbidden):
                    await scene.world.database.write(scene[name].identity, None, tried)
    with pytest.raises(ValidationError):
        await scene.world.operate(issue_invoice, **given, due_on=due["due_on"] - timedelta(days=1))
    with pytest.raises(NotFound):
        await scene.world.operate(issue_invoice, **given | due | {"customer_id": scene["ada"].id})
    with pytest.raises(NotFound):
        await scene.world.operate(void_invoice, invoice_id=scene["ada"].id)


async def test_two_payments_at_once_pay_once(scene: Scene) -> None:
    invoice = await bill(scene, 5)
    await fill(scene, 50)
    tries = [scene.act(name, pay_invoice, invoice_id=invoice) for name in ("ada", "arne", "leo", "dora")]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, InvalidState)] == [invoice]
    assert await balance(scene) == 45


async def test_two_invoices_at_once_take_no_more_than_there_is(scene: Scene) -> None:
    bills = [await bill(scene, 30, f"n{number}") for number in range(4)]
    await fill(scene, 70)
    tries = [scene.act("ada", pay_invoice, invoice_id=one) for one in bills]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(answer, Exception) for answer in answers) == 2
    assert all(isinstance(answer, InvalidState) for answer in answers if isinstance(answer, Exception)), answers
    assert await balance(scene) == 10


async def test_first_top_ups_at_once_add_up(scene: Scene) -> None:
    await asyncio.gather(*(fill(scene, 10) for _ in range(4)))
    assert await balance(scene) == 40


async def test_paying_and_voiding_at_once_leave_one_of_both(scene: Scene) -> None:
    await fill(scene, 100)
    for number in range(4):
        invoice = await bill(scene, 10, f"n{number}")
        before = await balance(scene)
        await asyncio.gather(
            scene.act("ada", pay_invoice, invoice_id=invoice),
            scene.world.operate(void_invoice, invoice_id=invoice),
            return_exceptions=True,
        )
        paid = await state(scene, invoice) == "PAID"
        assert await balance(scene) == (before or 0) - (10 if paid else 0)


async def test_the_staff_of_an_organisation_does_not_bill_it(world: World) -> None:
    scene = await set_scene(world)
    await world.owner.execute(
        "INSERT INTO accord.identities (issuer, subject, user_id) VALUES ($1, $2, $3)",
        STAFF.issuer,
        STAFF.subject,
        scene["mia"].id,
    )
    try:
        with pytest.raises(Forbidden):
            await bill(scene)
    finally:
        sql = "DELETE FROM accord.identities WHERE issuer = $1 AND subject = $2"
        await world.owner.execute(sql, STAFF.issuer, STAFF.subject)
