"""Writes the table of ways as a page of the documentation (`make schema`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.ways.table import ACTS, BESIDE, Kind, Way

HEAD = """\
# Who gives what

Every way that gives somebody a role, an access or a mail, with the rule that holds there. The page is written from the
table that the tests walk: each way is gone once in a world of its own, and gives what its row says and nothing else. A
mutation that is not named gives nothing.

A role is one of an organisation, a partnership, an account, a group or a contact. An access reaches something or lets
somebody in: a grant, a level, a session, a ticket, a credential. Mails are named by their template; each has its cap by
sender, recipient and partnership.

| Way | Kind | Gives | Rule |
|---|---|---|---|
"""


def lines() -> Iterator[str]:
    """The rows of the page."""
    for name, row in (*ACTS.items(), *BESIDE.items()):
        shown = f"`{name}`" if row.kind in {Kind.ACT, Kind.OPERATOR, Kind.LINK} and name in ACTS else name
        yield f"| {shown} | {row.kind} | {given(row)} | {row.rule} |\n"


def given(row: Way) -> str:
    """What a row gives, roles and accesses before mails."""
    mails = sorted(gift.removeprefix("mail ") for gift in row.gives if gift.startswith("mail "))
    first = sorted((gift for gift in row.gives if not gift.startswith("mail ")), reverse=True)
    return ", ".join([*first, *(f"mail `{mail}`" for mail in mails)])


def page() -> str:
    """The whole page."""
    return HEAD + "".join(lines())


if __name__ == "__main__":
    sys.stdout.write(page())
