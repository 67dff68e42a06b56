"""What a text may hold: lengths, control characters, e-mail addresses, web addresses."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import urlsplit

from accord.domain.errors import ValidationError

NAME_LENGTH: Final = 200
TEXT_LENGTH: Final = 10_000
ADDRESS_LENGTH: Final = 254
ADDRESSES: Final = 20
LEGAL_CONTROLS: Final = frozenset("\t\n")
BIDIRECTIONAL: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BLANK_LETTERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\U0001d159")
"""Unicode counts these among letters and symbols, and fonts draw nothing."""
ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+"
)


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
    """One e-mail address, its domain in lower case."""
    trimmed = value.strip()
    if len(trimmed) > ADDRESS_LENGTH or not ADDRESS.fullmatch(trimmed) or ".." in trimmed:
        raise ValidationError(field, "This is not an e-mail address.")
    local, _, domain = trimmed.rpartition("@")
    if local.startswith(".") or local.endswith("."):
        raise ValidationError(field, "This is not an e-mail address.")
    return f"{local}@{domain.lower()}"


def address_list(field: str, value: str) -> tuple[str, ...]:
    """One string, split on commas, trimmed and deduplicated; one that is none, or more than 20, refuses all (4.11)."""
    listed = {address(field, part): None for part in value.split(",") if part.strip()}
    if len(listed) > ADDRESSES:
        raise ValidationError(field, f"At most {ADDRESSES} addresses, these are {len(listed)}.")
    return tuple(listed)


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
