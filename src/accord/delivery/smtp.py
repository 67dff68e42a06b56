"""Handing one message to a mail server."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from typing import Final

import aiosmtplib
from aiosmtplib.errors import (
    SMTPDataError,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

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


class Undelivered(Exception):
    """The server did not take the message; the text is its answer in one line."""


class Refused(Undelivered):
    """It will never take it (5xx about the message): trying again is of no use."""


class Unavailable(Undelivered):
    """It may take it later: 4xx, no connection, a refused sign-in."""


async def send(smtp: Smtp, message: EmailMessage) -> None:
    """Hand over the message. Raises Refused or Unavailable."""
    try:
        await aiosmtplib.send(
            message,
            hostname=smtp.host,
            port=smtp.port,
            username=smtp.username,
            password=smtp.password,
            use_tls=smtp.encryption is Encryption.TLS,
            start_tls=smtp.encryption is Encryption.STARTTLS,
            timeout=smtp.timeout,
        )
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        raise _undelivered(error) from None


def _undelivered(error: Exception) -> Undelivered:
    if isinstance(error, SMTPRecipientsRefused) and error.recipients:
        return _undelivered(error.recipients[0])
    if isinstance(error, SMTPResponseException):
        text = " ".join(f"{error.code} {error.message}".split())
        final = isinstance(error, ABOUT_THE_MESSAGE) and error.code >= 500
        return Refused(text) if final else Unavailable(text)
    text = " ".join(f"{type(error).__name__} {error}".split())
    return Refused(text) if isinstance(error, SMTPNotSupported) else Unavailable(text)
