"""A mail's row as the message that is sent: text and HTML, links from the configured address alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from accord.database.queries.outbox import Envelope
from accord.delivery.smtp import Smtp
from accord.domain.mail_text import QUOTED, plain, plain_lines
from accord.domain.notice import NOTICES, Template, compose
from accord.domain.text import delivered_to

BLANK_LINES: Final = re.compile(r"\n{3,}")
MAIL_POLICY: Final = SMTP.clone(cte_type="7bit")


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("accord.delivery"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )


ENVIRONMENT: Final = _environment()


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a recipient reads."""

    subject: str
    text: str
    html: str


def render(envelope: Envelope, public_url: str) -> Rendered:
    """The words of a mail; its one-time link is there only as long as the token is."""
    template = Template(envelope.template)
    notice = NOTICES[template]
    subject, summary = compose(template, envelope.facts)
    home = public_url.rstrip("/")
    facts: dict[str, str | list[str] | None] = dict.fromkeys(notice.required | notice.optional)
    for name, value in envelope.facts.items():
        facts[name] = plain_lines(value).splitlines() if name in QUOTED else plain(value)
    context = {
        **facts,
        "subject": subject,
        "summary": summary,
        "recipient": plain(envelope.display_name or ""),
        "one_time": notice.page is not None,
        "link": f"{home}/{notice.page}/{envelope.secret}" if notice.page and envelope.secret else None,
        "home": home,
    }
    return Rendered(
        subject,
        _spaced(ENVIRONMENT.get_template(f"{template.value}.txt").render(context)),
        ENVIRONMENT.get_template(f"{template.value}.html").render(context),
    )


def _spaced(text: str) -> str:
    """At most one empty line between paragraphs."""
    return BLANK_LINES.sub("\n\n", text).strip() + "\n"


def _addressee(name: str, local: str, domain: str) -> Address:
    """Return the address as a header has it; what is ASCII is read once more as it will be by others."""
    return Address(name, addr_spec=f"{local}@{domain}") if local.isascii() else Address(name, local, domain)


def message(envelope: Envelope, public_url: str, smtp: Smtp) -> EmailMessage:
    """The message; its Message-ID is the same at every attempt, so that a receiver can drop a repetition.

    The domain is written in ASCII, which every server delivers to; an address that is international before the `@`
    makes a message that only servers with SMTPUTF8 take (RFC 6531). Raises ValueError for an address that no header
    can hold.
    """
    rendered = render(envelope, public_url)
    local, _, domain = delivered_to(envelope.address).rpartition("@")
    letter = EmailMessage(policy=MAIL_POLICY.clone(utf8=not local.isascii()))
    letter["From"] = Address(plain(smtp.sender_name), addr_spec=smtp.sender)
    letter["To"] = _addressee(plain(envelope.display_name or ""), local, domain)
    letter["Subject"] = rendered.subject
    letter["Date"] = format_datetime(envelope.created_at)
    letter["Message-ID"] = f"<{envelope.id}@{smtp.sender.rpartition('@')[2]}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(rendered.text)
    letter.add_alternative(rendered.html, subtype="html")
    return letter
