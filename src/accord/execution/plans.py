"""The plans that are kept: one for each operation and each choice of @skip and @include."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.language import DirectiveNode

from accord.execution.plan import ObjectPlan, planned

KEPT: Final = 512
CHOICES: Final = 16
CHOOSING: Final = frozenset({"skip", "include"})
INCREMENTAL: Final = frozenset({"defer", "stream"})
ABSENT: Final = object()


class _Known:
    """An operation that was met. It is held, so that nothing else can have its identity."""

    __slots__ = ("incremental", "operation", "plans", "schema", "variables")

    def __init__(self, executor: Executor[Any]) -> None:
        self.schema = executor.schema
        self.operation: OperationDefinitionNode = executor.operation
        directives = list(_directives(self.operation.selection_set, executor.fragments, set()))
        self.incremental = any(directive.name.value in INCREMENTAL for directive in directives)
        self.variables = tuple(sorted(set(_variables(directives))))
        self.plans: dict[tuple[Any, ...], ObjectPlan] = {}


_known: OrderedDict[tuple[int, int], _Known] = OrderedDict()


def plan_of(executor: Executor[Any]) -> ObjectPlan | None:
    """The plan of the executor's operation; None where its answer comes in parts, its fragments take arguments, or its
    fields can't be collected."""
    if any(fragment.variable_signatures for fragment in executor.fragments.values()):
        return None
    key = (id(executor.schema), id(executor.operation))
    known = _known.get(key)
    if known is None:
        known = _known[key] = _Known(executor)
        if len(_known) > KEPT:
            _known.popitem(last=False)
    else:
        _known.move_to_end(key)
    if known.incremental:
        return None
    try:
        return _chosen(executor, known)
    except (GraphQLError, RecursionError):
        return None


def _chosen(executor: Executor[Any], known: _Known) -> ObjectPlan:
    given = executor.variable_values.coerced
    choice = tuple(given.get(name, ABSENT) for name in known.variables)
    plan = known.plans.get(choice)
    if plan is None:
        plan = _made(executor)
        if len(known.plans) >= CHOICES:
            known.plans.clear()
        known.plans[choice] = plan
    return plan


def _made(executor: Executor[Any]) -> ObjectPlan:
    root = executor.schema.get_root_type(executor.operation.operation)
    if root is None:
        raise GraphQLError("The schema has no such operations.")
    collected = collect_fields(
        executor.schema,
        executor.fragments,
        executor.variable_values,
        root,
        executor.operation,
        executor.hide_suggestions,
    )
    return planned(executor, root, collected.grouped_field_set)


def _directives(
    selected: SelectionSetNode | None, fragments: dict[str, FragmentDetails], met: set[str]
) -> Iterator[DirectiveNode]:
    for selection in selected.selections if selected else ():
        yield from selection.directives or ()
        if isinstance(selection, FieldNode | InlineFragmentNode):
            yield from _directives(selection.selection_set, fragments, met)
        elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in met:
            met.add(selection.name.value)
            if (fragment := fragments.get(selection.name.value)) is not None:
                yield from _directives(fragment.definition.selection_set, fragments, met)


def _variables(directives: Iterable[DirectiveNode]) -> Iterator[str]:
    for directive in directives:
        if directive.name.value in CHOOSING:
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
