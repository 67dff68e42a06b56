"""Settings, features, invoices and the wallet."""

from __future__ import annotations

from tests.api.cases import Cases, Impossible, Refused, Same
from tests.api.cases.level import bare
from tests.api.cases.sharing import to

STAFF = "staff"
SETTINGS = "settings { displayName locale timeZone notificationAddresses securityContact version }"
INVOICE = "invoice { number dueOn amount { amountMinor currency } state paidAt }"
FEATURE = {"key": "call_forwarding", "enabled": True}
TEN = {"amountMinor": 10, "currency": "EUR"}
BILL = {"customerId": "harbour", "number": "2026-9", "amount": {"amountMinor": 5, "currency": "EUR"}}
BILL |= {"dueOn": "2099-01-01"}

CASES = [
    Cases(
        "updateSettings",
        by="lena",
        given=to("harbour", locale="de-CH", timeZone="Europe/Zurich", securityContact="s@x.example", expectedVersion=0),
        shows=SETTINGS,
        expected=lambda _, shown: (
            shown["settings"]
            == {
                "displayName": "Harbour",
                "locale": "de-CH",
                "timeZone": "Europe/Zurich",
                "notificationAddresses": [],
                "securityContact": "s@x.example",
                "version": 1,
            }
        ),
        forbidden=Refused("mia", to("harbour", locale="de"), "FORBIDDEN"),
        foreign=Refused("quentin", to("harbour", locale="de"), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Impossible("settings have no states; values that are none are BAD_USER_INPUT"),
        repeated=Refused("lena", to("harbour", locale="de-CH", expectedVersion=0), "CONFLICT"),
    ),
    Cases(
        "setFeature",
        by="ada",
        given=to("harbour", **FEATURE),
        shows="feature { key name area enabled version }",
        expected=lambda _, shown: (
            (shown["feature"]["area"], shown["feature"]["enabled"], shown["feature"]["version"])
            == ("TELEPHONY", True, 1)
        ),
        forbidden=Refused("mia", to("harbour", **FEATURE), "FORBIDDEN"),
        foreign=Refused("quentin", to("harbour", **FEATURE), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Refused("ada", to("harbour", key="teleport", enabled=True), "BAD_USER_INPUT"),
        repeated=Same("what is on stays on"),
    ),
    Cases(
        "payInvoice",
        by="lena",
        given=to("harbour", invoiceId="bill", expectedVersion=1),
        shows=INVOICE,
        expected=lambda _, shown: shown["invoice"]["state"] == "PAID" and shown["invoice"]["paidAt"] is not None,
        forbidden=Refused("mia", to("harbour", invoiceId="bill"), "FORBIDDEN"),
        foreign=Refused("quentin", to("quill", invoiceId="bill"), "NOT_FOUND"),
        wrong_state=Refused("ada", to("harbour", invoiceId="dear_bill"), "INVALID_STATE"),
        repeated=Refused("ada", to("harbour", invoiceId="bill"), "INVALID_STATE"),
    ),
    Cases(
        "topUpWallet",
        by="ada",
        given=to("harbour", amount=TEN),
        shows="wallet { balance { amountMinor currency } entries { edges { node { kind } } } }",
        expected=lambda _, shown: (
            shown["wallet"]["balance"] == {"amountMinor": 1_010, "currency": "EUR"}
            and [edge["node"]["kind"] for edge in shown["wallet"]["entries"]["edges"]]
            == ["TOP_UP", "PAYMENT", "TOP_UP"]
        ),
        forbidden=Refused("mia", to("harbour", amount=TEN), "FORBIDDEN"),
        foreign=Refused("quentin", to("harbour", amount=TEN), "ORG_CONTEXT_MISMATCH"),
        wrong_state=Refused("ada", to("harbour", amount=TEN | {"currency": "USD"}), "BAD_USER_INPUT"),
        repeated=Same("each call puts money in; a retry has its Idempotency-Key"),
    ),
    Cases(
        "issueInvoice",
        by=STAFF,
        given=bare(**BILL),
        shows=INVOICE,
        expected=lambda _, shown: (
            shown["invoice"]
            == {
                "number": "2026-9",
                "dueOn": "2099-01-01",
                "amount": {"amountMinor": 5, "currency": "EUR"},
                "state": "OPEN",
                "paidAt": None,
            }
        ),
        forbidden=Refused("ada", bare(**BILL), "FORBIDDEN"),
        foreign=Refused(STAFF, bare(**BILL | {"customerId": "otto"}), "NOT_FOUND"),
        wrong_state=Refused(STAFF, bare(**BILL | {"dueOn": "2020-01-01"}), "BAD_USER_INPUT"),
        repeated=Refused(STAFF, bare(**BILL), "CONFLICT"),
    ),
    Cases(
        "voidInvoice",
        by=STAFF,
        given=bare(invoiceId="bill"),
        shows=INVOICE,
        expected=lambda _, shown: shown["invoice"]["state"] == "VOID",
        forbidden=Refused("ada", bare(invoiceId="bill"), "FORBIDDEN"),
        foreign=Refused(STAFF, bare(invoiceId="otto"), "NOT_FOUND"),
        wrong_state=Refused(STAFF, bare(invoiceId="paid_bill"), "INVALID_STATE"),
        repeated=Refused(STAFF, bare(invoiceId="bill"), "INVALID_STATE"),
    ),
]
