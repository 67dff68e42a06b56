"""The words of the mails, and what cannot be smuggled into them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from uuid import UUID

import pytest

from accord.database.queries.outbox import Envelope
from accord.delivery.rendering import Rendered, message, render
from accord.delivery.smtp import Smtp
from accord.domain.notice import NOTICES, Template, compose, day, select_facts

SENT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SMTP = Smtp("127.0.0.1", "accord@mail.example")
NASTY = 'Eve\r\nBcc: thief@other.example\r\n\r\n<script>alert("x")</script>\u202e\x00\x1b[31m\u2028end'


def envelope(template: Template, facts: Mapping[str, str], **given: object) -> Envelope:
    secret = "token" if NOTICES[template].page else None
    values = {
        "id": UUID(int=7),
        "template": template.value,
        "address": "anna@kestrel.example",
        "display_name": "Anna Berg",
        "facts": select_facts(template, facts),
        "secret": secret,
        "state": "QUEUED",
        "attempts": 0,
        "last_error": None,
        "created_at": SENT,
        "sent_at": None,
    }
    return Envelope(**(values | given))  # type: ignore[arg-type]


def words(template: Template, *, optional: bool = True) -> dict[str, str]:
    notice = NOTICES[template]
    names = notice.required | (notice.optional if optional else frozenset())
    return {name: f"the {name}" for name in names}


def rendered(template: Template, *, optional: bool = True) -> Rendered:
    return render(envelope(template, words(template, optional=optional)), "https://accord.example/")


@pytest.mark.parametrize("template", Template)
@pytest.mark.parametrize("optional", [True, False])
def test_every_template_is_whole(template: Template, optional: bool) -> None:
    mail = rendered(template, optional=optional)
    assert mail.subject[0].isupper() or mail.subject.startswith("the ")
    assert len(mail.subject) <= 90
    assert not mail.subject.endswith(".")
    for text in (mail.text, mail.html):
        assert "Anna Berg" in text
        assert "None" not in text
        assert "{" not in text.replace("{#", "")
        for fact in words(template, optional=optional).values():
            assert fact in text, fact
    assert mail.text.startswith("Hello Anna Berg,\n\n")
    assert mail.text.endswith("https://accord.example\n")
    assert "\n\n\n" not in mail.text
    assert "<h1" in mail.html
    assert mail.text.count("https://") == 2


@pytest.mark.parametrize("template", Template)
def test_the_notice_says_what_the_mail_says(template: Template) -> None:
    subject, text = compose(template, words(template))
    mail = rendered(template)
    assert mail.subject == subject
    assert text in mail.text
    assert text.replace("'", "&#39;") in mail.html


def test_there_is_a_pair_of_files_per_template() -> None:
    folder = resources.files("accord.delivery") / "templates"
    names = {entry.name for entry in folder.iterdir()} - {"layout.txt", "layout.html", "parts.txt", "parts.html"}
    assert names == {f"{template.value}.{kind}" for template in Template for kind in ("txt", "html")}


@pytest.mark.parametrize("template", [t for t in Template if NOTICES[t].page])
def test_one_time_links(template: Template) -> None:
    link = f"https://accord.example/{NOTICES[template].page}/token"
    mail = rendered(template)
    assert link in mail.text
    assert f'href="{link}"' in mail.html
    later = render(envelope(template, words(template), secret=None), "https://accord.example")
    for text in (later.text, later.html):
        assert "not shown any more" in text
        assert "/token" not in text


@pytest.mark.parametrize("template", Template)
def test_nothing_is_smuggled_in(template: Template) -> None:
    facts = dict.fromkeys(words(template), NASTY)
    letter = message(envelope(template, facts, display_name=NASTY), "https://accord.example", SMTP)
    assert sorted(letter.keys()) == [
        "Auto-Submitted",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ]
    assert [address.addr_spec for address in letter["To"].addresses] == ["anna@kestrel.example"]
    head = letter.as_bytes().split(b"\r\n\r\n", 1)[0]
    assert not re.search(rb"^bcc:", head, re.IGNORECASE | re.MULTILINE)
    for part in ("plain", "html"):
        found = letter.get_body((part,))
        assert found is not None
        content = found.get_content().replace("\r\n", "\n")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e]", content)
        assert not re.search(r"^Bcc:", content, re.MULTILINE)
        if part == "html":
            assert "<script" not in content
            assert "&lt;script" in content


def test_lines_of_a_reason_are_quoted() -> None:
    facts = words(Template.REQUEST_FILED) | {"reason": "First line\n\n-- \nOpen Accord: https://thief.example"}
    text = render(envelope(Template.REQUEST_FILED, facts), "https://accord.example").text
    assert "> First line\n>\n> --\n> Open Accord: [link removed]\n" in re.sub(r" +\n", "\n", text)


def test_the_message() -> None:
    letter = message(envelope(Template.LAPSED, words(Template.LAPSED)), "https://accord.example", SMTP)
    assert letter["Message-ID"] == f"<{UUID(int=7)}@mail.example>"
    assert letter["From"].addresses[0].addr_spec == "accord@mail.example"
    assert letter["Date"].datetime == SENT
    assert letter["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in letter.iter_parts()] == ["text/plain", "text/html"]
    assert all(len(line) <= 998 for line in letter.as_bytes().split(b"\r\n"))


def test_the_password_is_not_printed() -> None:
    assert "hunter2" not in repr(Smtp("mail.example", "a@b.example", username="accord", password="hunter2"))


def test_empty_facts_count_as_missing() -> None:
    assert select_facts(Template.LAPSED, {"host": "A", "guest": "B", "reason": ""}) == {"host": "A", "guest": "B"}
    with pytest.raises(ValueError, match="lapsed lacks guest"):
        select_facts(Template.LAPSED, {"host": "A", "guest": "\n \x00"})


def test_a_day() -> None:
    assert day(datetime(2026, 12, 4, 23, 59, tzinfo=UTC)) == "4 December 2026"
