"""Event types are words of one form."""

from accord.domain.activity import EventType


def test_event_types_are_in_dot_form() -> None:
    for kind in EventType:
        if kind is not EventType.DENIED:
            noun, _, event = kind.partition(".")
            assert noun.replace("_", "").isalpha()
            assert event.replace("_", "").isalpha()
