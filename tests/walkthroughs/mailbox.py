"""A real SMTP sink: what the gateway's worker delivers is read here, and every mail has to be expected by somebody."""

import re
import socket
import time
from collections import Counter
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 60.0
"""Seconds to wait for a mail before its absence is a failure."""
SETTLE = 1.0
"""Seconds in which a mail too many would have arrived."""


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mail:
    """One message as one recipient got it."""

    def __init__(self, recipient: str, message: EmailMessage) -> None:
        self.recipient = recipient
        self.message = message
        self.subject = str(message["Subject"])

    def body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return "" if part is None else str(part.get_content())

    @property
    def text(self) -> str:
        return self.body("plain")

    @property
    def html(self) -> str:
        return self.body("html")

    @property
    def token(self) -> str | None:
        """The single-use token of the link in this mail, None where it has no such link."""
        found = re.search(r"https?://[^\s<>\"]+/(?:invitations|memberships|contacts)/([^\s<>\"/]+)", self.text)
        return found[1] if found else None

    def __repr__(self) -> str:
        return f"<{self.recipient}: {self.subject}>"


class Mailbox:
    """Keeps what arrives; `expect` claims mails, and one that nobody claims fails the story."""

    def __init__(self) -> None:
        self.received: list[Mail] = []
        self._claimed: set[int] = set()
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self._controller.start()

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def close(self) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        message = message_from_bytes(envelope.original_content or b"", policy=default)
        assert isinstance(message, EmailMessage)
        self.received.extend(Mail(recipient, message) for recipient in envelope.rcpt_tos)
        return "250 kept"

    @property
    def unclaimed(self) -> list[Mail]:
        return [mail for mail in list(self.received) if id(mail) not in self._claimed]

    def expect(self, *recipients: str, saying: str = "") -> list[Mail]:
        """Claim exactly one new mail for each recipient, in their order, and no other mail may be there.

        `saying` has to stand in the subject or the text of each of them.
        """
        wanted = Counter(recipients)
        deadline = time.monotonic() + PATIENCE
        while wanted - Counter(mail.recipient for mail in self.unclaimed):
            missing = wanted - Counter(mail.recipient for mail in self.unclaimed)
            assert time.monotonic() < deadline, f"no mail for {dict(missing)}; there are {self.unclaimed}"
            time.sleep(0.05)
        mails = self.unclaimed
        self._claimed.update(id(mail) for mail in mails)
        surplus = Counter(mail.recipient for mail in mails) - wanted
        assert not surplus, f"mails that nobody should get: {mails}, expected {dict(wanted)}"
        for mail in mails:
            assert saying in mail.subject or saying in mail.text, f"{mail} does not say {saying!r}: {mail.text}"
            assert mail.html, f"{mail} has no HTML part"
        return sorted(mails, key=lambda mail: recipients.index(mail.recipient))

    def expect_none(self) -> None:
        """Nothing is on its way."""
        time.sleep(SETTLE)
        assert not self.unclaimed, f"mails that nobody should get: {self.unclaimed}"
