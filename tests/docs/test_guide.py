"""What the guide lists is what there is."""

import re

from graphql import GraphQLInterfaceType, GraphQLSchema

from accord.demo.cast import COMPANIES
from accord.demo.stage import address
from accord.domain.errors import DomainError
from accord.domain.partner import PartnerProgram
from accord.domain.partnership import PARTNERSHIP
from accord.schema.errors import ApiError
from accord.schema.schema import schema
from tests.docs.recipes import DOCS

GUIDE = (DOCS / "docs" / "guide.md").read_text(encoding="utf-8")


def test_every_refusal_of_a_payload_is_explained() -> None:
    given: GraphQLSchema = schema._schema
    interface = given.type_map["MutationError"]
    assert isinstance(interface, GraphQLInterfaceType)
    types = {kind.name for kind in given.get_possible_types(interface)}
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `(\w+)` \|", GUIDE, re.MULTILINE))
    assert set(rows.values()) == types
    assert set(rows) == {kind.code for kind in DomainError.__subclasses__()}


def test_every_error_of_the_top_level_is_explained() -> None:
    for kind in ApiError.__subclasses__():
        assert f"`{kind.code}`" in GUIDE


def test_each_kind_of_partner_has_guidance_of_its_own() -> None:
    """S108."""
    rows = re.findall(r"^\| `([A-Z]+)` \| [^|]+ \| ([^|]+) \|$", GUIDE, re.MULTILINE)
    guidance = {kind: text for kind, text in rows if kind in set(PartnerProgram)}
    assert set(guidance) == set(PartnerProgram) - {PartnerProgram.NONE}
    assert len(set(guidance.values())) == len(guidance)


def test_the_people_to_be_are_people_of_the_demo_world() -> None:
    cast = {address(person, company) for company in COMPANIES for person in company.people}
    named = set(re.findall(r"^\| `(\S+@\S+)` \|", GUIDE, re.MULTILINE))
    assert named
    assert named <= cast


def test_the_diagram_of_states_is_the_life_cycle() -> None:
    drawn = set(re.findall(r"^    ([A-Z_]+) --> ([A-Z_]+):", GUIDE, re.MULTILINE))
    moves = {(str(before), str(after)) for (before, _), after in PARTNERSHIP.table.items() if before != after}
    assert drawn == moves
