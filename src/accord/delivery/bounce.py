"""What the answer of a mail server says: is another try worth it, and what is wrong (RFC 3463, 5321)?"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final

ANSWER: Final = re.compile(r"([245])\d\d[ -]?(?:([245])\.(\d{1,3})\.(\d{1,3})\b)?")
WITHOUT_DETAIL: Final = ("550", "551", "552", "553")
"""Answers about a mailbox or a message; 554 and others are what a server says that is in trouble, or mistrusts us."""


class Bounce(StrEnum):
    """What is wrong: the address, the message itself, the server's mistrust of us, or nothing that lasts."""

    ADDRESS = "ADDRESS"
    MESSAGE = "MESSAGE"
    POLICY = "POLICY"
    TEMPORARY = "TEMPORARY"

    @property
    def is_final(self) -> bool:
        """Is another try of no use? A policy or trouble may pass, so that these are tried for four days."""
        return self in (Bounce.ADDRESS, Bounce.MESSAGE)


def bounce_of(answer: str) -> Bounce:
    """What the answer to a sender, a recipient or a message means; its enhanced status code counts where it has one."""
    found = ANSWER.match(answer)
    if found is None or found[1] != "5":
        return Bounce.TEMPORARY
    if found[2] is None:
        if answer[:3] not in WITHOUT_DETAIL:
            return Bounce.TEMPORARY
        return Bounce.MESSAGE if answer.startswith("552") else Bounce.ADDRESS
    return _of_status(found[2], int(found[3]), int(found[4]))


def _of_status(kind: str, subject: int, detail: int) -> Bounce:
    if kind != "5":
        return Bounce.TEMPORARY
    if subject == 1 or (subject, detail) == (2, 1):
        return Bounce.ADDRESS
    if subject == 6 or (subject, detail) in ((2, 3), (3, 4)):
        return Bounce.MESSAGE
    return Bounce.POLICY if subject == 7 else Bounce.TEMPORARY
