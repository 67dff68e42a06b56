"""Documents: parsed, refused or validated once per text, measured once per operation and page sizes.

`Admission` gives them to strawberry. No suggestion gets out: names of the schema are for those who may introspect it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    Lexer,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    Source,
    Token,
    TokenKind,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from accord.http.limits import Limits, Measure, Refusal, Survey, check, check_shape, counted
from accord.http.source import IndexedSource

PARSE_FAILED: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"
LONG_SOURCE: Final = 2_048
KEPT: Final = 256
MEASURES_KEPT: Final = 64


@dataclass(slots=True)
class Prepared:
    """One text: its document, or why there is none. `errors` are those of validation.

    `measures` holds, by identity, the operations whose pages do not depend on variables; `depends_on` the variables
    that the pages of the others depend on, and `measured` what these were measured to with some values of them.
    """

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()
    measures: dict[int, Measure] = field(default_factory=dict)
    depends_on: dict[int, tuple[str, ...]] = field(default_factory=dict)
    measured: dict[tuple[object, ...], Measure] = field(default_factory=dict)

    def known_measure(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Measure | None:
        """Return what the operation asks for with these variables, None where that has to be measured first."""
        return self.measures.get(id(operation)) or self.measured.get(self._key(operation, variables))

    def note(self, operation: OperationDefinitionNode, variables: Mapping[str, Any], measure: Measure) -> None:
        """Keep a measure for the next request with pages of the same sizes."""
        if len(self.measured) >= MEASURES_KEPT:
            self.measured.clear()
        self.measured[self._key(operation, variables)] = measure

    def _key(self, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> tuple[object, ...]:
        sizes = (
            counted(variables[name]) if name in variables else "" for name in self.depends_on.get(id(operation), ())
        )
        return (id(operation), *sizes)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run; GraphQLError when the name picks none or is missing among several."""
        operations = [node for node in self.definitions() if isinstance(node, OperationDefinitionNode)]
        if name is not None:
            operations = [node for node in operations if node.name and node.name.value == name]
        if len(operations) == 1:
            return operations[0]
        message = "There is no operation of this name." if name is not None else "Name the operation to run."
        raise coded(GraphQLError(message), "BAD_REQUEST")

    def definitions(self) -> tuple[Any, ...]:
        return self.document.definitions if self.document else ()


class Documents:
    """The texts seen lately, at most `KEPT` of them; `rules` are checked beside those of the specification."""

    def __init__(
        self,
        schema: GraphQLSchema,
        limits: Limits,
        introspection: bool,
        rules: Iterable[type[ASTValidationRule]] = (),
    ) -> None:
        self.schema = schema
        self.limits = limits
        self.rules: tuple[type[ASTValidationRule], ...] = (
            *specified_rules,
            MaybeNullValidationRule,
            OneOfInputValidationRule,
            *(() if introspection else (NoSchemaIntrospectionCustomRule,)),
            *rules,
        )
        self.kept: OrderedDict[str, Prepared] = OrderedDict()
        self.turn = asyncio.Lock()

    async def prepared(self, text: str) -> Prepared:
        """As `prepare`, with the work on a long text done in a thread, one text at a time: several threads at once
        would leave the event loop a fraction of the processor."""
        if text in self.kept or len(text) < LONG_SOURCE:
            return self.prepare(text)
        async with self.turn:
            if text in self.kept:
                return self.prepare(text)
            made = await asyncio.to_thread(self.make, text)
            return self.keep(text, made)

    def prepare(self, text: str) -> Prepared:
        found = self.kept.get(text)
        if found is None:
            return self.keep(text, self.make(text))
        self.kept.move_to_end(text)
        return found

    def keep(self, text: str, made: Prepared) -> Prepared:
        self.kept[text] = made
        if len(self.kept) > KEPT:
            self.kept.popitem(last=False)
        return made

    def make(self, text: str) -> Prepared:
        try:
            document = self.parse(text)
            measures, depends_on = self.surveyed(document)
        except GraphQLError as error:
            return Prepared(None, (error.with_traceback(None),))
        errors = validate(self.schema, document, self.rules, hide_suggestions=True)
        return Prepared(document, tuple(coded(error, VALIDATION_FAILED) for error in errors), measures, depends_on)

    def surveyed(self, document: DocumentNode) -> tuple[dict[int, Measure], dict[int, tuple[str, ...]]]:
        """Refuses what is too much with any variables, before validation spends time on it.

        Returns the measures that hold with any of them, and for the other operations the variables that decide.
        """
        measures: dict[int, Measure] = {}
        depends_on: dict[int, tuple[str, ...]] = {}
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode):
                survey = Survey(self.schema, document, node, None, self.limits)
                measure = survey.measure()
                check_shape(measure, self.limits)
                if survey.depends_on:
                    depends_on[id(node)] = tuple(sorted(survey.depends_on))
                else:
                    measures[id(node)] = measure
        return measures, depends_on

    def parse(self, text: str) -> DocumentNode:
        limits = self.limits
        if len(text) > limits.source:
            raise Refusal("QUERY_TOO_LARGE", "The document has too many characters", limits.source, len(text))
        try:
            document = parse(IndexedSource(text), max_lexical_tokens=limits.tokens, max_comments=limits.comments)
        except GraphQLSyntaxError as error:
            self.refuse_length(text)
            raise coded(error, PARSE_FAILED) from None
        fragments = sum(isinstance(node, FragmentDefinitionNode) for node in document.definitions)
        if fragments > limits.fragments:
            raise Refusal("QUERY_TOO_LARGE", "The document has too many fragments", limits.fragments, fragments)
        return document

    def refuse_length(self, text: str) -> None:
        tokens, comments = lexical_size(text)
        if tokens > self.limits.tokens:
            raise Refusal("QUERY_TOO_LARGE", "The document has too many tokens", self.limits.tokens, tokens)
        if comments > self.limits.comments:
            raise Refusal("QUERY_TOO_LARGE", "The document has too many comments", self.limits.comments, comments)

    def measure(self, prepared: Prepared, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> Measure:
        """What the operation asks for with these variables; raises Refusal."""
        measure = prepared.known_measure(operation, variables)
        if measure is None and prepared.document is not None:
            measure = Survey(self.schema, prepared.document, operation, variables, self.limits).measure()
            prepared.note(operation, variables, measure)
        found = measure or Measure()
        check(found, operation.operation, self.limits)
        return found


class Admission(SchemaExtension):
    """Strawberry's parse and validation steps, replaced: one per operation, without I/O."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.prepared: Prepared | None = None
        self.measured: Measure | None = None

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        self.prepared = self.documents.prepare(context.query or "")
        if self.prepared.document is None:
            raise self.prepared.errors[0].with_traceback(None)
        operation = self.prepared.operation(context._provided_operation_name)
        self.measured = self.documents.measure(self.prepared, operation, context.variables or {})
        context.graphql_document = self.prepared.document
        yield

    def on_validate(self) -> Iterator[None]:
        if self.prepared is not None:
            self.execution_context.pre_execution_errors = list(self.prepared.errors)
        yield

    def get_results(self) -> dict[str, Any]:
        return {"cost": self.measured.cost} if self.measured else {}


def coded(error: GraphQLError, code: str) -> GraphQLError:
    error.extensions = {"code": code, **(error.extensions or {})}
    return error


def lexical_size(text: str) -> tuple[int, int]:
    """Tokens and comments as far as the text can be read."""
    lexer = Lexer(Source(text))
    token: Token | None = lexer.token
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            pass
    except GraphQLSyntaxError:
        pass
    tokens = comments = 0
    while token is not None:
        comments += token.kind is TokenKind.COMMENT
        tokens += token.kind not in (TokenKind.SOF, TokenKind.EOF, TokenKind.COMMENT)
        token = token.next
    return tokens, comments
