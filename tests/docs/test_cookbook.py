"""The cookbook says what happens: every operation in it is sent, and every answer compared."""

import re
from pathlib import Path

from graphql import GraphQLSchema

from accord.schema.schema import schema
from tests.api.gateway import Api
from tests.docs.kitchen import cook
from tests.docs.recipes import DOCS, read_recipes

COOKBOOK = DOCS / "docs" / "cookbook.md"


def used(path: Path) -> set[str]:
    """Every word of the operations in a document."""
    return {word for recipe in read_recipes(path) for word in re.findall(r"\w+", recipe.text)}


async def test_every_operation_of_the_cookbook_gets_the_answer_that_it_shows(api: Api) -> None:
    cooked = await cook(api, COOKBOOK)
    assert len(cooked) > 60


def test_the_cookbook_uses_every_mutation_and_every_query() -> None:
    given: GraphQLSchema = schema._schema
    assert given.mutation_type is not None
    assert given.query_type is not None
    fields = {*given.mutation_type.fields, *given.query_type.fields}
    assert fields - used(COOKBOOK) == set()
