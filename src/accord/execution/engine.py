"""The breadth-first engine, as the execution context of a strawberry schema."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from graphql import ExecutionResult, GraphQLError, OperationType
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from accord.execution.levels import Level, Places
from accord.execution.placing import Placing, Raised, in_document_order
from accord.execution.plan import ObjectPlan
from accord.execution.plans import plan_of
from accord.execution.run import Run


class BreadthFirst(StrawberryGraphQLCoreExecutionContext):
    """Executes an operation level by level: `Schema(execution_context_class=BreadthFirst)`.

    The answer is that of the stock executor. Operations that can't be planned are left to it: those with middleware
    around every resolver, with `@defer` or `@stream`, with arguments of fragments, and those that may be aborted.
    """

    breadth_first: ClassVar[bool] = True
    """Off in a subclass that runs on the stock executor."""

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result of the operation, to be awaited where it was planned."""
        plan = plan_of(self) if self._can_be_planned() else None
        if plan is None:
            return super().execute_operation(serially)
        in_series = self.operation.operation is OperationType.MUTATION if serially is None else serially
        return self._run(plan, in_series)

    def _can_be_planned(self) -> bool:
        wrapped = self.middleware_manager is not None and self.middleware_manager.middlewares
        return self.breadth_first and not wrapped and self.abort_signal is None

    async def _run(self, plan: ObjectPlan, serially: bool) -> ExecutionResult:
        run = Run(self)
        placing = Placing(run.plans, self.error_propagation)
        data: dict[str, Any] | None
        try:
            data = await (self._in_series if serially else self._together)(plan, run, placing)
        except Raised as raised:
            return self._answer(None, [raised.error])
        errors = placing.errors
        if self.collected_errors.errors:
            errors = in_document_order([*errors, *self.collected_errors.errors], data)
        return self._answer(data, errors)

    async def _together(self, plan: ObjectPlan, run: Run, placing: Placing) -> dict[str, Any]:
        (made,) = await run.objects(plan, Level([self.root_value], Places()))
        return placing.object(plan, made, ()) if run.faulty else made

    async def _in_series(self, plan: ObjectPlan, run: Run, placing: Placing) -> dict[str, Any]:
        """One root field after the other; one that takes the whole answer with it is the last."""
        data: dict[str, Any] = {}
        for field in plan.fields:
            run.ask_gates_again()
            alone = ObjectPlan(plan.type, [field])
            (made,) = await run.objects(alone, Level([self.root_value], Places()))
            data.update(placing.object(alone, made, ()) if run.faulty else made)
        return data

    def _answer(self, data: dict[str, Any] | None, errors: list[GraphQLError]) -> ExecutionResult:
        self.collected_errors.errors[:] = errors
        return cast("ExecutionResult", self.build_response(data))
