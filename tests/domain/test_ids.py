"""Global IDs: readable in both directions, and every wrong one the same NOT_FOUND."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.domain.errors import NotFound
from accord.domain.ids import KINDS, global_id, kind_of, parse_id

KEY = UUID("01990000-0000-7000-8000-00000000abcd")
kinds = st.sampled_from(sorted(KINDS))


@given(kinds, st.uuids())
def test_an_id_is_read_back(kind: str, key: UUID) -> None:
    made = global_id(kind, key)
    assert parse_id(kind, made) == key
    assert kind_of(made) == kind


@given(kinds, kinds, st.uuids())
def test_an_id_of_another_kind_is_not_found(kind: str, other: str, key: UUID) -> None:
    if kind != other:
        with pytest.raises(NotFound):
            parse_id(other, global_id(kind, key))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "_",
        "partnership",
        "partnership_",
        f"_{KEY}",
        str(KEY),
        f"partnership-{KEY}",
        f"Partnership_{KEY}",
        f"partnership_{str(KEY).upper()}",
        f"partnership_{KEY.hex}",
        f"partnership_{{{KEY}}}",
        f"partnership_urn:uuid:{KEY}",
        f" partnership_{KEY}",
        f"partnership_{KEY} ",
        f"partnership_{KEY}\n",
        "partnership_" + "0" * 36,
        "partnership_" + "é" * 36,
        f"partnership_{str(KEY)[:-1]}",
        f"partnership_{KEY}0",
    ],
)
def test_a_malformed_id_is_not_found(value: str) -> None:
    with pytest.raises(NotFound) as refused:
        parse_id("partnership", value, ("partnershipId",))
    assert refused.value.path == ("partnershipId",)
    assert refused.value.message == NotFound().message


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(value: str) -> None:
    kind_of(value)
    try:
        key = parse_id("account", value)
    except NotFound:
        return
    assert value == global_id("account", key)
