"""Handing one message to a mail server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from enum import StrEnum
from typing import Any, Final

import aiosmtplib
from aiosmtplib.errors import (
    SMTPDataError,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)
from aiosmtplib.response import SMTPResponse

from accord.delivery.bounce import bounce_of

ABOUT_THE_MESSAGE: Final = (SMTPDataError, SMTPRecipientRefused, SMTPSenderRefused)


class Encryption(StrEnum):
    """How the connection is protected: STARTTLS is demanded, TLS from the first byte, or not at all."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server, and who the mails are from; `timeout` in seconds for each step of the exchange."""

    host: str
    sender: str
    port: int = 587
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    encryption: Encryption = Encryption.STARTTLS
    sender_name: str = "Accord"
    timeout: float = 15.0

    @property
    def longest_doubt(self) -> timedelta:
        """After this long nobody can still be handing a message over: the server has had its time for each step."""
        return timedelta(seconds=3 * self.timeout)


class Undelivered(Exception):
    """The server did not take the message; the text is its answer in one line."""


class Refused(Undelivered):
    """It will never take it (the address or the message is wrong): trying again is of no use."""


class Unavailable(Undelivered):
    """It may take it later: 4xx, a policy, trouble of its own, no connection, a refused sign-in."""


class _Exchange(aiosmtplib.SMTP):
    """An SMTP client that asks for leave before it hands over the message, when the server has taken the recipient."""

    leave: Callable[[], Awaitable[None]]

    async def data(self, message: str | bytes, /, **given: Any) -> SMTPResponse:
        await self.leave()
        return await super().data(message, **given)


async def send(
    smtp: Smtp, message: EmailMessage, begin: Callable[[], Awaitable[None]], taken: Callable[[], Awaitable[None]]
) -> None:
    """Hand over the message: `begin` runs before the server is given it, `taken` at once when the server has it.

    Raises Refused or Unavailable, and what the two raise.
    """
    client = _Exchange(
        hostname=smtp.host,
        port=smtp.port,
        username=smtp.username,
        password=smtp.password,
        use_tls=smtp.encryption is Encryption.TLS,
        start_tls=smtp.encryption is Encryption.STARTTLS,
        timeout=smtp.timeout,
    )
    client.leave = begin
    try:
        async with client:
            await client.send_message(message)
            await taken()
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise _undelivered(error) from None


def _undelivered(error: Exception) -> Undelivered:
    if isinstance(error, SMTPRecipientsRefused) and error.recipients:
        return _undelivered(error.recipients[0])
    if isinstance(error, SMTPResponseException):
        text = " ".join(f"{error.code} {error.message}".split())
        final = isinstance(error, ABOUT_THE_MESSAGE) and bounce_of(text).is_final
        return Refused(text) if final else Unavailable(text)
    text = " ".join(f"{type(error).__name__} {error}".split())
    return Refused(text) if isinstance(error, SMTPNotSupported) else Unavailable(text)
