"""What a text may hold: lengths, control characters, e-mail addresses, web addresses; and when two are the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

import idna

from accord.domain.errors import ValidationError

NAME_LENGTH: Final = 200
TEXT_LENGTH: Final = 10_000
ADDRESS_LENGTH: Final = 254
ADDRESSES: Final = 20
LEGAL_CONTROLS: Final = frozenset("\t\n")
BIDIRECTIONAL: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BLANK_LETTERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Unicode counts these among letters and symbols, and fonts draw nothing."""
LOCAL_LENGTH: Final = 64
ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
LOCAL: Final = re.compile(rf"{ATOM}(?:\.{ATOM})*")
DOMAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+")
A_LABEL: Final = "xn--"
READABLE: Final = frozenset("LMNPS")
"""The classes of characters that an address may hold beyond ASCII: letters, marks, numbers, punctuation, symbols."""

GONE: Final = "erased.invalid"
"""The domain of the addresses that stand for those of erased people; nobody alive has one."""


def fold(value: str) -> str:
    """Return the form in which two spellings of a name or an address are compared, in NFKC and without case.

    PostgreSQL does the same with `accord.fold`: a text that is compared there is folded there, on both sides.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", value).casefold())


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs"} or character in BIDIRECTIONAL


def _is_visible(character: str) -> bool:
    """Does this character leave a trace on the screen by itself?

    Separators, format characters (zero-width spaces, soft hyphens, tags) and unassigned ones do not; neither do marks,
    which need a letter to stand on.
    """
    return unicodedata.category(character)[0] in "LNPS" and character not in BLANK_LETTERS


def is_blank(value: str) -> bool:
    """Return whether nobody could see anything of this text; such a text counts as empty, everywhere."""
    return not any(map(_is_visible, value))


def name(field: str, value: str) -> str:
    """Return the name or label in one line, trimmed: 1 to 200 characters, some of them visible, no control characters.

    Raises ValidationError.
    """
    trimmed = value.strip()
    if any(_is_control(character) for character in value):
        raise ValidationError(field, "Control characters are not allowed here.")
    if is_blank(trimmed):
        raise ValidationError(field, "This must not be empty.")
    if len(trimmed) > NAME_LENGTH:
        raise ValidationError(field, f"At most {NAME_LENGTH} characters, these are {len(trimmed)}.")
    return trimmed


def optional_name(field: str, value: str | None) -> str | None:
    """As `name`, or None."""
    return None if value is None else name(field, value)


def note(field: str, value: str | None) -> str | None:
    """A reason or note: at most 10,000 characters, tab and line feed legal; blank is None."""
    if value is None:
        return None
    unified = value.replace("\r\n", "\n")
    if any(_is_control(character) and character not in LEGAL_CONTROLS for character in unified):
        raise ValidationError(field, "Control characters other than tab and line feed are not allowed here.")
    trimmed = unified.strip()
    if len(trimmed) > TEXT_LENGTH:
        raise ValidationError(field, f"At most {TEXT_LENGTH:,} characters, these are {len(trimmed):,}.")
    return None if is_blank(trimmed) else trimmed


def required_note(field: str, value: str) -> str:
    """As `note`, and not blank."""
    kept = note(field, value)
    if kept is None:
        raise ValidationError(field, "This must not be empty.")
    return kept


def address(field: str, value: str) -> str:
    """Return one e-mail address (RFC 5321, RFC 6531), its domain in lower case and its labels as people read them."""
    local, separator, domain = value.strip().rpartition("@")
    local, encoded = unicodedata.normalize("NFC", local), ascii_domain(domain)
    length = len(local.encode("utf-8", "replace"))
    fits = length <= LOCAL_LENGTH and length + 1 + len(encoded or "") <= ADDRESS_LENGTH
    beyond = (one for one in local if not one.isascii())
    readable = all(unicodedata.category(one)[0] in READABLE and one not in BLANK_LETTERS for one in beyond)
    if not separator or encoded in (None, GONE) or not fits or not readable or not LOCAL.fullmatch(local):
        raise ValidationError(field, "This is not an e-mail address.")
    return f"{local}@{idna.decode(encoded) if A_LABEL in encoded else encoded}"


def ascii_domain(domain: str) -> str | None:
    """Return a domain in the form that the DNS and mail servers know (RFC 5890), or None for what is none."""
    lowered = domain.lower()
    if not domain.isascii() or A_LABEL in lowered:
        try:
            lowered = idna.encode(domain, uts46=True).decode("ascii")
            idna.decode(lowered)
        except UnicodeError:
            return None
    return lowered if DOMAIN.fullmatch(lowered) and len(lowered) < ADDRESS_LENGTH else None


def delivered_to(address: str) -> str:
    """Return an address as mail servers take it: the domain in ASCII, the part before it as it is."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain) or domain}"


def mailbox(address: str) -> str:
    """Return the key of the mailbox that an address leads to: folded, without the `+tag` that its owner may invent.

    Two addresses of one mailbox are two addresses where people are told apart, and one where mails are counted.
    """
    local, _, domain = fold(delivered_to(address)).rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def spellings(value: str) -> tuple[str, ...]:
    """Return the texts that an address may be compared by: as it is, and with its domain as people read it."""
    try:
        return tuple(dict.fromkeys((value, address("", value))))
    except ValidationError:
        return (value,)


def is_same_address(one: str, other: str) -> bool:
    """Do these two spellings name one mailbox? Upper and lower case do not matter.

    Letters that `fold` compares alike (ß and ss, the ligature ﬁ and fi) tell mailboxes and domains apart: what somebody
    may take up is decided here, what is too similar to stand beside each other by `fold`.
    """
    return _mailbox(one) == _mailbox(other)


def _mailbox(value: str) -> tuple[str, str]:
    local, _, domain = value.strip().rpartition("@")
    return unicodedata.normalize("NFC", local).lower(), ascii_domain(domain) or domain.lower()


def address_list(field: str, value: str) -> tuple[str, ...]:
    """One string, split on commas, trimmed and deduplicated; one that is none, or more than 20, refuses all (4.11)."""
    listed: dict[str, str] = {}
    for part in value.split(","):
        if part.strip():
            listed.setdefault(fold(given := address(field, part)), given)
    if len(listed) > ADDRESSES:
        raise ValidationError(field, f"At most {ADDRESSES} addresses, these are {len(listed)}.")
    return tuple(listed.values())


def web_address(field: str, value: str) -> str:
    """An https URL without credentials, at most 2,000 characters."""
    trimmed = value.strip()
    if len(trimmed) > 2_000 or any(_is_control(c) or c.isspace() for c in trimmed):
        raise ValidationError(field, "This is not a web address.")
    try:
        parts = urlsplit(trimmed)
        _ = parts.port
    except ValueError:
        raise ValidationError(field, "This is not a web address.") from None
    if parts.scheme != "https" or not parts.hostname:
        raise ValidationError(field, "The web address must begin with https:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise ValidationError(field, "The web address must not hold credentials.")
    return trimmed


def country(field: str, value: str) -> str:
    """An ISO 3166-1 alpha-2 code in capitals."""
    if not re.fullmatch(r"[A-Z]{2}", value):
        raise ValidationError(field, "This is not a two-letter country code.")
    return value


def initial(value: str) -> str:
    """The badge of an organisation: the first letter or digit of its name, in capitals (S75)."""
    return next((character.upper() for character in value if character.isalnum()), value[:1])


def camel(name: str) -> str:
    """A name of ours in the API's spelling: `shares_ended` is `sharesEnded`."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
