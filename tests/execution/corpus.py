"""Documents for the toy schema: by hand what a schema can't list, and each of its fields at each depth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from tests.execution.toy import toy_schema

Document: TypeAlias = tuple[str, dict[str, Any]]

BY_HAND: Final[tuple[Document, ...]] = tuple(
    (text, given)
    for text, given in (
        # aliases and merging
        ("{ a: thing { number } b: thing(number: 3) { number text } }", {}),
        ("{ thing { number n: number text number } }", {}),
        ("{ thing { child { number } child { text child { number } } } }", {}),
        ("{ thing { c: child { number } d: child { number } } thing { d: child { text } } }", {}),
        ("{ thing { times three: times(by: 3) ten: times(by: 10, plus: [1, 2]) } }", {}),
        ("{ __typename thing { __typename t: __typename child { __typename } } }", {}),
        ("{ things { children { number } children { children(count: 1) { number } } } }", {}),
        # fragments
        ("{ thing { ...F } } fragment F on Thing { number text child { ...G } } fragment G on Thing { number }", {}),
        (
            "{ thing { ... on Thing { number } ... { text } ... on Named { name ... on Other { itself { name } } } } }",
            {},
        ),
        ("{ things { ...F ...F } } fragment F on Thing { number ...G } fragment G on Thing { text }", {}),
        ("{ ...R } fragment R on Query { thing { ...F } things { ...F } } fragment F on Named { name __typename }", {}),
        ("{ thing { ...F child { ...F child { ...F } } } } fragment F on Thing { n: number failsHard }", {}),
        ("{ a: thing { ...F } b: thing(number: 1) { ...F } } fragment F on Thing { fails mixed { fails } }", {}),
        # directives
        ("{ thing { number @skip(if: true) text @include(if: true) } }", {}),
        ("{ thing { number @skip(if: false) @include(if: false) text } }", {}),
        ("query ($a: Boolean!) { thing { number @skip(if: $a) text @include(if: $a) } }", {"a": True}),
        ("query ($a: Boolean!) { thing { number @skip(if: $a) text @include(if: $a) } }", {"a": False}),
        ("query ($a: Boolean! = true) { thing { ...F @include(if: $a) } } fragment F on Thing { number }", {}),
        ("query ($a: Boolean! = true) { thing { ...F @skip(if: $a) text } } fragment F on Thing { number }", {}),
        ("query ($a: Boolean!) { thing { ... @include(if: $a) { failsHard } number } }", {"a": True}),
        ("query ($a: Boolean = false) { thing @include(if: $a) { number } thingHard { number } }", {"a": None}),
        ("query ($a: Boolean = false) { thing { child @include(if: $a) { number } number } }", {"a": None}),
        ("query ($a: Boolean = false) { named { ... on Thing { number @include(if: $a) } name } }", {"a": None}),
        ("query ($a: Boolean!) { anything { ... on Thing @skip(if: $a) { number } __typename } }", {"a": True}),
        ("{ thing @skip(if: true) { number } }", {}),
        # variables and arguments
        ("query ($n: Int) { thing(number: $n) { number } }", {}),
        ("query ($n: Int!) { thing(number: $n) { number } }", {"n": 5}),
        ("query ($n: Int!) { thing(number: $n) { number } }", {}),
        ("query ($n: Int!) { thing(number: $n) { number } }", {"n": "x"}),
        ("query ($n: Int = 7) { thing(number: $n) { number } }", {}),
        ("query ($n: Int = 7) { thing(number: $n) { number } }", {"n": None}),
        ("query ($n: Int = 7) { things { times(by: $n) } }", {"n": None}),
        ("query ($p: [Int!]) { things { times(plus: $p) } }", {"p": [1, 2]}),
        ("query ($p: Int!) { things { times(plus: [$p, 1]) } }", {"p": 4}),
        ("query ($p: [Int!]) { things { times(plus: $p) } }", {"p": 3}),
        ("query ($w: Wanted) { echo(wanted: $w) }", {"w": {"number": 1, "inner": {"number": 2, "words": ["a"]}}}),
        ("query ($w: Wanted!) { echo(wanted: $w, many: [$w, {number: 3, colour: GREEN}]) }", {"w": {"number": 1}}),
        ("query ($w: Wanted) { echo(wanted: $w) }", {"w": {"number": "one"}}),
        ("query ($w: Wanted) { echo(wanted: $w) }", {"w": {"number": 1, "more": 2}}),
        ("query ($w: Wanted) { echo(wanted: $w) }", {}),
        ("{ echo(many: {number: 1}) }", {}),
        ("query ($c: Colour) { words(colour: $c) }", {"c": "RED"}),
        ("query ($c: Colour) { words(colour: $c) }", {"c": "BLUE"}),
        ("query ($c: Colour) { words(colour: $c) }", {"c": None}),
        ("query ($n: [Int]) { words(numbers: $n) }", {"n": [1, None]}),
        ('{ words(numbers: [1, null], text: "x") }', {}),
        ("{ words(text: null) }", {}),
        ("query ($n: Int!) { things { leveledHard(wanted: {number: $n}) leveled(by: 4) } }", {"n": 3}),
        ("query ($n: Int) { things { leveled(by: $n) } }", {"n": None}),
        ("query ($w: Wanted) { thing { leveledHard(wanted: $w) } }", {"w": {"number": 3}}),
        # nulls, errors and how they propagate
        ("{ nothing { failsHard } }", {}),
        ("{ fails thing { number } denied }", {}),
        ("{ thing(number: 1) { failsHard } things { number } }", {}),
        ("{ thingHard(number: 1) { failsHard } things { number } }", {}),
        ("{ things { number failsHard } thing { number } }", {}),
        ("{ things { number nullHard } }", {}),
        ("{ thing { child { childHard { childHard { childHard { childHard { childHard { number } } } } } } } }", {}),
        ("{ things(count: 5) { mixed { number failsHard } } }", {}),
        ("{ things(count: 5) { mixed { mixed { slowFailsHard fails } } } }", {}),
        ("{ thing { mixed { child { mixed { failsHard } } } twice { failsHard slowFailsHard } } }", {}),
        ("{ thing(number: 1) { twice { child { failsHard } } anything { ... on Thing { badNumberHard } } } }", {}),
        ("{ thing(number: 1) { fails crashes missingColumn failingColumn errorValue badNumber badColour large } }", {}),
        ("{ thing(number: 1) { a: deniedHard } b: thing { denied refused silent admitted evenOnly } }", {}),
        ("{ things { denied child { denied refused child { denied evenOnly } } } }", {}),
        ("{ things { mixed { deniedHard } } }", {}),
        ("{ things(count: 5) { plain { value hard } } }", {}),
        # lists of lists
        ("{ things(count: 5) { grid hardGrid numbers words badColours badList awaited awaitedHard streamed } }", {}),
        ("{ thing { twice { twice { twice { number place } } } } }", {}),
        ("{ same { number place child { number place } twice { number linked { number } } } }", {}),
        ("{ same { number linked { number denied } fails } }", {}),
        ("{ same { number failsHard } }", {}),
        # abstract types
        (
            "{ named { name __typename } o: named(other: true) { name ... on Other { fails itself { fails name } } } }",
            {},
        ),
        ("{ anything { __typename ... on Named { name } ... on Thing { number named { name } } } }", {}),
        (
            "{ anything { ... on Thing { strange { name } stranger { text } anything { ... on Other { fails } } } } }",
            {},
        ),
        ("{ anything { ... on Thing { named { ... on Thing { failsHard } name } } ... on Other { x: fails } } }", {}),
        # links
        ("{ things(count: 5) { linked { number linked { number } } linkedHard { number } loaded { number } } }", {}),
        ("{ things(count: 5) { a: linked(by: 2) { number } b: linked(by: 3) { number } } }", {}),
        ("{ things { broken { number } levelFails leveled } }", {}),
        ("{ things { children(count: 3) { linked { text child { linked { text } } } } } }", {}),
        # introspection
        ("{ __schema { queryType { name fields { name type { kind name ofType { name } } } } } thing { number } }", {}),
        (
            '{ __type(name: "Thing") { name fields { args { name } } } none: __type(name: "No") { name } }',
            {},
        ),
        # more than one operation is refused without a name
        ("query A { thing { number } } query B { thing { text } }", {}),
        ("{ thing { unknown } }", {}),
        ("subscription { counted { number } }", {}),
    )
)

MUTATIONS: Final[tuple[Document, ...]] = (
    ('mutation { a: add(word: "a") { number } b: add(word: "b") { number } log }', {}),
    ('mutation { log a: add(word: "a") { number children { number } } refuse { number } log2: log }', {}),
    ('mutation { a: add(word: "a") { number } breakOff { number } b: add(word: "b") { number } log }', {}),
    ('mutation { a: add(word: "a") { failsHard } b: add(word: "b") { fails number } log }', {}),
    ("mutation { breakOff(number: 2) { number nullHard } log }", {}),
    ('mutation { breakOff(number: 2) { badNumberHard child { slowFailsHard } } log add(word: "x") { text } }', {}),
    ('mutation { breakOff(number: 6) { nullHard } add(word: "never") { number } log }', {}),
    (
        "mutation ($w: String!) {add(word: $w) {...F} ...M} fragment F on Thing { key } fragment M on Mutation {log}",
        {"w": "a"},
    ),
    ('mutation ($s: Boolean!) { add(word: "a") @skip(if: $s) { text } log }', {"s": True}),
    ('mutation { a: add(word: "a") { denied admitted } b: add(word: "b") { deniedHard } log }', {}),
)

ROOTS: Final = (
    "{{ thing(number: 1) {{ {0} }} }}",
    "{{ thing(number: 3) {{ number {0} }} }}",
    "{{ things(count: 5) {{ {0} number }} }}",
    "{{ thing {{ children(count: 3) {{ {0} }} }} }}",
    "{{ thing {{ twice {{ {0} text }} }} }}",
    "{{ thing {{ number mixed {{ mixed {{ {0} }} {0} }} }} }}",
    "{{ anything {{ ... on Thing {{ {0} anything {{ ... on Thing {{ {0} }} }} }} }} }}",
)


def by_field() -> Iterator[Document]:
    """Each field of a Thing below each way to get to one."""
    thing = toy_schema()._schema.type_map["Thing"]
    if not isinstance(thing, GraphQLObjectType):
        raise TypeError(thing)
    for name, field in thing.fields.items():
        named = get_named_type(field.type)
        below = "" if is_leaf_type(named) else "{ value hard }" if name == "plain" else "{ __typename ...N }"
        fragment = " fragment N on Named { name ... on Thing { fails times(by: 2) nullHard } }" if "N" in below else ""
        for root in ROOTS:
            yield root.format(f"{name} {below}") + fragment, {}


CORPUS: Final = (*BY_HAND, *MUTATIONS, *by_field())
