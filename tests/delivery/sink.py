"""A real SMTP server that keeps what arrives, and answers as it is told to."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session

PATIENCE = 10.0


class Sink:
    """Answers each message with the next of `answers`, then with success; `slow` seconds before each answer."""

    def __init__(self) -> None:
        self.attempts: list[EmailMessage] = []
        self.accepted: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: list[str] = []
        self.refused_recipients: dict[str, str] = {}
        self.slow = 0.0
        self.international = True
        self.port = 0
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _serve(self) -> SMTP:
        return SMTP(self, hostname="sink.example", enable_SMTPUTF8=self.international)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused_recipients:
            return self.refused_recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.slow)
        message = message_from_bytes(envelope.original_content or b"", policy=default)
        assert isinstance(message, EmailMessage)
        self.attempts.append(message)
        answer = self.answers.pop(0) if self.answers else "250 kept"
        if answer.startswith("250"):
            self.accepted.append(message)
            self.recipients.extend(envelope.rcpt_tos)
            async with self._arrived:
                self._arrived.notify_all()
        return answer

    async def wait_for(self, count: int, within: float = PATIENCE) -> list[EmailMessage]:
        """The accepted messages once there are so many; fails after `within` seconds."""
        async with asyncio.timeout(within), self._arrived:
            await self._arrived.wait_for(lambda: len(self.accepted) >= count)
        return self.accepted


def body(message: EmailMessage, kind: str = "plain") -> str:
    """The text or HTML of a message, with the line ends of Python."""
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")
