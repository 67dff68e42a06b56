"""Errors of the top level: which reach the client as they are, and what becomes of all others."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, ClassVar, Final
from uuid import uuid4

from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.extensions import MaskErrors
from strawberry.types.graphql import OperationType

from accord.database import engine
from accord.database.failures import meaning
from accord.domain.errors import DomainError

logger = logging.getLogger("accord.schema")


class ApiError(GraphQLError):
    """An error that a client may see; every subclass has a code of surface.md."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message, extensions={"code": self.code, **facts})


class ForbiddenField(ApiError):
    """The field stays null whether or not there is anything behind it."""

    code = "FORBIDDEN"

    def __init__(self, action: str, condition: str = "NO_GRANT") -> None:
        super().__init__(f"You may not do this ({action}).", action=str(action), condition=str(condition))


class NothingThere(ApiError):
    """One answer for what is missing, foreign, malformed or of another type."""

    code = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("There is nothing here that you may see.")


class BadInput(ApiError):
    """An argument that no reader of the schema would send."""

    code = "BAD_USER_INPUT"


class PageTooLarge(ApiError):
    """`first` or `last` above the limit; both numbers are named."""

    code = "PAGE_TOO_LARGE"

    def __init__(self, actual: int, limit: int) -> None:
        super().__init__(f"A page has at most {limit} items, not {actual}.", limit=limit, actual=actual)


class Busy(ApiError):
    """No database connection in time, or a statement waited too long; worth another try."""

    code = "BUSY"

    def __init__(self) -> None:
        super().__init__("The service is busy. Please try again.")


class TooSlow(ApiError):
    """A statement ran into its timeout."""

    code = "TIMEOUT"

    def __init__(self) -> None:
        super().__init__("This took too long. Ask for less.")


class SessionEnded(ApiError):
    """The acting session of the header was left, is over by time, unknown or somebody else's."""

    code = "SESSION_ENDED"

    def __init__(self) -> None:
        super().__init__("This acting session has ended. Switch to the organisation again.")


class AccessRevoked(ApiError):
    """What the acting session of the header rested on has ended."""

    code = "ACCESS_REVOKED"

    def __init__(self) -> None:
        super().__init__("The access that this acting session rested on was taken back.")


class OutcomeUnknown(ApiError):
    """The connection to the database was lost while a change was being committed, or before it was read back."""

    code = "OUTCOME_UNKNOWN"

    def __init__(self) -> None:
        super().__init__("The change may have been made. Read before you repeat it.")


class IdempotencyKeyReused(ApiError):
    """The key of the request was used for the same mutation with other arguments."""

    code = "IDEMPOTENCY_KEY_REUSED"

    def __init__(self) -> None:
        super().__init__("This key was used for something else. Give every change a key of its own.")


class Internal(ApiError):
    """Something of ours failed; `id` is what the log calls it."""

    code = "INTERNAL"

    def __init__(self, reference: str | None = None) -> None:
        super().__init__("Something went wrong on our side.", id=reference or uuid4().hex)


def is_expected(error: GraphQLError) -> bool:
    """May a client see this error as it is? Ours, the domain's, and those of the document, which have no path."""
    return isinstance(error, ApiError) or isinstance(error.original_error, OURS) or _is_of_document(error)


OURS: Final = (ApiError, DomainError)


def _is_of_document(error: GraphQLError) -> bool:
    return error.path is None and (error.original_error is None or isinstance(error.original_error, GraphQLError))


def with_code(error: GraphQLError) -> GraphQLError:
    """Gives an expected error the code it lacks."""
    if not error.extensions or "code" not in error.extensions:
        error.extensions = {**(error.extensions or {}), "code": _code(error)}
    return error


def _code(error: GraphQLError) -> str:
    if isinstance(error.original_error, DomainError):
        return error.original_error.code
    if isinstance(error, GraphQLSyntaxError):
        return "GRAPHQL_PARSE_FAILED"
    return "GRAPHQL_VALIDATION_FAILED" if error.nodes else "BAD_REQUEST"


def readable(error: Exception) -> GraphQLError:
    """What a client is told when an operation could not even begin; the log has the rest."""
    if isinstance(error, ApiError):
        return error
    if (known := of_database(error)) is not None:
        return known
    reference = uuid4().hex
    logger.error("unexpected error %s", reference, exc_info=error)
    return Internal(reference)


def of_database(error: BaseException | None) -> ApiError | None:
    """What the database's own refusals mean to a client: no connection or lock in time, too slow a statement, a change
    of which nobody knows whether it was made, or an acting session that is over."""
    if isinstance(error, engine.OutcomeUnknown):
        return OutcomeUnknown()
    if isinstance(error, (engine.AccessRevoked, engine.SessionOver)):
        return of_session(error)
    known = meaning(error) or type(error)
    if issubclass(known, engine.Busy):
        return Busy()
    return TooSlow() if issubclass(known, engine.TimedOut) else None


def of_session(error: engine.AccessRevoked | engine.SessionOver) -> ApiError:
    """What a client is told whose acting session is good for nothing any more."""
    return AccessRevoked() if isinstance(error, engine.AccessRevoked) else SessionEnded()


def log_unexpected(errors: Iterable[GraphQLError]) -> None:
    """Logs what nobody expected, once, under the id that the client is given."""
    for error in errors:
        if is_expected(error) or of_database(error.original_error) is not None:
            continue
        reference = uuid4().hex
        error.extensions = {**(error.extensions or {}), "id": reference}
        where = ".".join(str(step) for step in error.path or ())
        logger.error("unexpected error %s at %s", reference, where, exc_info=error.original_error or error)


class Masked(MaskErrors):
    """Lets expected errors through; all others become INTERNAL with the id under which they were logged."""

    def __init__(self) -> None:
        super().__init__(should_mask_error=lambda error: not is_expected(error))

    def _process_errors(self, errors: list[GraphQLError]) -> list[GraphQLError]:
        return [with_code(error) if is_expected(error) else self.anonymise_error(error) for error in errors]

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        masked = of_database(error.original_error) or Internal((error.extensions or {}).get("id"))
        if isinstance(masked, Busy | TooSlow) and self._follows_a_change(error):
            masked = OutcomeUnknown()
        return GraphQLError(masked.message, error.nodes, path=error.path, extensions=masked.extensions)

    def _follows_a_change(self, error: GraphQLError) -> bool:
        """Is this below a field of a mutation? The payload is read after the commit: only what could not be read
        failed, and to say that nothing was changed would be wrong."""
        is_below = len(error.path or ()) > 1
        return is_below and self.execution_context.operation_type is OperationType.MUTATION
