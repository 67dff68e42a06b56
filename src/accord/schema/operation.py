"""The scope of an operation: what is opened for it, and that it is closed again."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar

from graphql import DocumentNode, ExecutionResult, GraphQLError, GraphQLSchema
from graphql.execution import Executor

from accord.execution.engine import BreadthFirst
from accord.schema.errors import ApiError, readable
from accord.schema.scalars import refuse_unstorable


class Operation(BreadthFirst):
    """Every query and mutation, and every event of a subscription, runs in one of these.

    The scope belongs to the executor: what an extension's hook raises reaches the client unmasked, and a hook that
    raises at entry keeps the others from cleaning up.
    """

    @classmethod
    def build(
        cls,
        schema: GraphQLSchema,
        document: DocumentNode,
        root_value: Any = None,
        context_value: Any = None,
        raw_variable_values: dict[str, Any] | None = None,
        *rest: Any,
        **options: Any,
    ) -> list[GraphQLError] | Executor[Any]:
        """As the stock executor, with a context of its own and without suggestions in errors of variables."""
        raw = options.pop("raw_variable_values", raw_variable_values)
        try:
            refuse_unstorable(raw)
        except ApiError as error:
            return [error]
        options["hide_suggestions"] = True
        return super().build(schema, document, root_value, context_value.fork(), raw, *rest, **options)

    def build_per_event_executor(self, payload: Any) -> Executor[Any]:
        """One event of a subscription: rights, snapshot and loaders of its own."""
        executor = super().build_per_event_executor(payload)
        executor.context_value = self.context_value.fork()
        return executor

    def execute_operation(self, serially: bool | None = None) -> Awaitable[ExecutionResult]:
        """Runs it inside its scope; a scope that can't be opened is an answer with a code, not an exception."""
        return self._in_scope(serially)

    async def _in_scope(self, serially: bool | None) -> ExecutionResult:
        try:
            async with self.context_value.operation():
                result: Any = super().execute_operation(serially)
                answer: ExecutionResult = await result if self.is_awaitable(result) else result
                return answer
        except Exception as error:  # noqa: BLE001
            return ExecutionResult(None, [readable(error)])


class StockOperation(Operation):
    """The same on the stock executor of graphql-core."""

    breadth_first: ClassVar[bool] = False
