"""What a text may hold."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.domain import text
from accord.domain.errors import ValidationError

any_text = st.text(max_size=300)


def refused(check: str, value: str) -> str:
    """The message of the refusal; it names the field."""
    with pytest.raises(ValidationError) as error:
        getattr(text, check)("field", value)
    assert error.value.field == "field"
    assert error.value.path == ("field",)
    return error.value.message


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [("Ada", "Ada"), ("  Ada Lund \n".strip("\n"), "Ada Lund"), ("x" * 200, "x" * 200), ("å", "å")],
)
def test_a_name_is_trimmed(given_name: str, kept: str) -> None:
    assert text.name("field", given_name) == kept


@pytest.mark.parametrize(
    "value",
    ["", "   ", "x" * 201, "a\nb", "a\tb", "a\x00b", "a\x7fb", "a\x85b", "\ud800", "a\u202eb", "a\u2066b", "Ada\n"],
)
def test_a_name_is_one_line_of_1_to_200_characters(value: str) -> None:
    refused("name", value)


INVISIBLE = [
    *(
        "\u200b",
        "\u2060",
        "\u00ad",
        "\u200d",
        "\ufeff",
        "\u3164",
        "\u115f\u1160",
        "\uffa0",
        "\u2800",
        "\u034f",
        "\ufe0f",
    ),
    *("\u180e", "\u2028", "\u3000", "\u0301", "\U000e0020", "\U000e0041\U000e007f", "\U0001d159", "\ue000", "\u0378"),
    "\u200b \u00ad\u2060",
]
VISIBLE = ["å", "日本", "🙂", "\u200bAda", "क्\u200dष", "-", "€", "…", "1", "a\u0301"]


@pytest.mark.parametrize("value", INVISIBLE)
def test_a_text_that_nobody_can_see_is_empty(value: str) -> None:
    assert refused("name", value) == "This must not be empty."
    assert text.note("field", value) is None
    assert refused("required_note", value) == "This must not be empty."


@pytest.mark.parametrize("value", VISIBLE)
def test_a_text_with_something_to_see_stays(value: str) -> None:
    assert text.name("field", value) == value
    assert text.note("field", value) == value


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        ("", None),
        (" \n\t ", None),
        ("one\ntwo\tthree", "one\ntwo\tthree"),
        ("one\r\ntwo", "one\ntwo"),
        (" x ", "x"),
        ("x" * 10_000, "x" * 10_000),
    ],
)
def test_a_note_keeps_tabs_and_line_feeds(value: str | None, kept: str | None) -> None:
    assert text.note("field", value) == kept


@pytest.mark.parametrize("value", ["x" * 10_001, "a\x00b", "a\rb", "a\x1bb", "\udfff", "a\u202ab"])
def test_a_note_has_no_other_controls_and_at_most_10_000_characters(value: str) -> None:
    refused("note", value)


def test_a_required_note_is_not_blank() -> None:
    assert text.required_note("field", " yes ") == "yes"
    refused("required_note", " \n ")


@given(any_text)
def test_what_passes_is_free_of_controls(value: str) -> None:
    for check, legal in ((text.name, ""), (text.required_note, "\t\n")):
        try:
            kept = check("field", value)
        except ValidationError:
            continue
        assert kept == kept.strip()
        assert kept
        assert all(unicodedata.category(c) not in {"Cc", "Cs"} or c in legal for c in kept)
        assert check("field", kept) == kept


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada.Lund+x@Example.ORG ", "Ada.Lund+x@example.org"),
        ("a@b.c", "a@b.c"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
        ("o'neil@sub.example.org", "o'neil@sub.example.org"),
        ("ada@Ex\u00e4mple.ORG", "ada@ex\u00e4mple.org"),
        ("ada@xn--Exmple-CUA.org", "ada@ex\u00e4mple.org"),
        ("ada@exa\u0308mple.org", "ada@ex\u00e4mple.org"),
        ("ada@\u4f8b\u5b50.example", "ada@\u4f8b\u5b50.example"),
        ("\u03b4\u03bf\u03ba\u03b9\u03bc\u03ae@example.org", "\u03b4\u03bf\u03ba\u03b9\u03bc\u03ae@example.org"),
        ("Andre\u0301@example.org", "Andr\u00e9@example.org"),
    ],
)
def test_an_address_keeps_its_local_part(value: str, kept: str) -> None:
    assert text.address("field", value) == kept


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example",
        "ada@@example.org",
        "ada@exa mple.org",
        "a da@example.org",
        "ada@-example.org",
        "ada@example-.org",
        "ada..lund@example.org",
        ".ada@example.org",
        "ada.@example.org",
        "ada@example..org",
        "ada@example.org\nBcc: x@example.org",
        "ada@example.org,eve@example.org",
        "Ada <ada@example.org>",
        "ada@ex\u00e4m ple.org",
        "ada@xn--a.org",
        "ada@\u202eexample.org",
        "a\u200bda@example.org",
        "a\u00a0da@example.org",
        "ada@\u00e4" + "x" * 62 + ".org",
        "\u00e4" * 33 + "@example.org",
        "x" * 65 + "@example.org",
        "ada@" + "x" * 64 + ".org",
        "ada@" + ".".join(["x" * 60] * 5),
        "ada\x00@example.org",
        "ada@Erased.Invalid",
    ],
)
def test_what_is_no_address(value: str) -> None:
    refused("address", value)


def test_a_list_of_addresses_is_split_trimmed_and_deduplicated() -> None:
    assert text.address_list("field", " a@x.example, b@x.example ,,a@X.example") == ("a@x.example", "b@x.example")
    assert text.address_list("field", "") == ()
    twenty = [f"p{number}@x.example" for number in range(20)]
    assert text.address_list("field", ",".join(twenty)) == tuple(twenty)
    assert "20" in refused("address_list", ",".join([*twenty, "p20@x.example"]))
    refused("address_list", "a@x.example, nobody")


@pytest.mark.parametrize("value", ["https://a.example", "https://a.example:8443/in?x=1#y", "  https://a.example/ "])
def test_a_web_address(value: str) -> None:
    assert text.web_address("field", value) == value.strip()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "http://a.example",
        "ftp://a.example",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "//a.example",
        "https://ada@a.example",
        "https://ada:secret@a.example",
        "https://:secret@a.example",
        "https://@a.example",
        "https://a.example/with space",
        "https://a.example/\nx",
        "https://a.example:99999",
        "https://a.example:port",
        "https://[::1",
        "https://a.example/" + "x" * 2_000,
    ],
)
def test_what_is_no_web_address(value: str) -> None:
    refused("web_address", value)


def test_a_country_is_two_capitals() -> None:
    assert text.country("field", "NO") == "NO"
    for value in ("no", "NOR", "N1", "", "N\n"):
        refused("country", value)


@pytest.mark.parametrize(("value", "badge"), [("Kestrel", "K"), ("«östra» AB", "Ö"), ("7 Seas", "7"), ("…", "…")])
def test_the_badge_is_the_first_letter(value: str, badge: str) -> None:
    assert text.initial(value) == badge


def test_an_optional_name() -> None:
    assert text.optional_name("field", None) is None
    assert text.optional_name("field", " x ") == "x"
