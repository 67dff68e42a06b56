"""Refusals that the platform expects. Each is named data: a code, a sentence and the facts a client can act on."""

from __future__ import annotations

from typing import ClassVar


class DomainError(Exception):
    """An expected refusal; `path` names the input field it is about, empty for the whole input."""

    code: ClassVar[str]

    def __init__(self, message: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


class NotFound(DomainError):
    """Nothing there that the caller may know of: missing, foreign, malformed and of another type look the same."""

    code = "NOT_FOUND"

    def __init__(self, path: tuple[str, ...] = ()) -> None:
        super().__init__("There is nothing with this ID that you may see.", path)


class Forbidden(DomainError):
    """The caller may see it but not do this; `condition` is the first failing one of the decision (model 4.5)."""

    code = "FORBIDDEN"

    def __init__(self, action: str, condition: str, hint: str = "", path: tuple[str, ...] = ()) -> None:
        super().__init__(f"You may not do this ({action}).", path)
        self.action = action
        self.condition = condition
        self.hint = hint


class InvalidState(DomainError):
    """The life cycle has no such step from here; `allowed` are the events it has."""

    code = "INVALID_STATE"

    def __init__(self, current: str, allowed: tuple[str, ...] = (), path: tuple[str, ...] = ()) -> None:
        super().__init__(f"This is not possible in the state {current}.", path)
        self.current = current
        self.allowed = allowed


class Conflict(DomainError):
    """Something stands in the way: `version` and `current` tell what it is now, the message in which way.

    Only a caller who named the version that they had read is told that it has changed since.
    """

    code = "CONFLICT"

    def __init__(self, version: int, current: str | None = None, path: tuple[str, ...] = (), *, message: str) -> None:
        super().__init__(message, path)
        self.version = version
        self.current = current


class ValidationError(DomainError):
    """A value breaks a rule; `field` names the input field in the API's spelling."""

    code = "BAD_USER_INPUT"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, (field,))
        self.field = field


class OrganisationContextMismatch(DomainError):
    """The named organisation is not one the caller acts in (S17, model 4.8)."""

    code = "ORG_CONTEXT_MISMATCH"

    def __init__(self, expected: str | None, actual: str | None) -> None:
        super().__init__("You are not acting in the organisation that this change names.", ("organisationId",))
        self.expected = expected
        self.actual = actual


class PrerequisiteMissing(DomainError):
    """Something the vendor has to switch on first; the client shows the support contact (S18)."""

    code = "PREREQUISITE_MISSING"

    def __init__(self, prerequisite: str, message: str) -> None:
        super().__init__(message)
        self.prerequisite = prerequisite


class CeilingExceeded(DomainError):
    """More than the contract or the link allows; `ceiling` is the most that can be granted (S24, S36)."""

    code = "CEILING_EXCEEDED"

    def __init__(self, ceiling: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(f"At most {ceiling} can be granted here.", path)
        self.ceiling = ceiling


class LastAdmin(DomainError):
    """An organisation keeps at least one active admin (model 4.2)."""

    code = "LAST_ADMIN"

    def __init__(self) -> None:
        super().__init__("An organisation needs at least one active admin.")


class LastLegalRepresentative(DomainError):
    """The last active legal representative stays until there is another: named by that person, or by the operator."""

    code = "LAST_LEGAL_REPRESENTATIVE"

    def __init__(self) -> None:
        super().__init__("An organisation keeps its last active legal representative until another one is named.")


class RateLimited(DomainError):
    """A throttle of the domain, such as reminders; `retry_after` in seconds."""

    code = "RATE_LIMITED"

    def __init__(self, retry_after: int, message: str = "Please wait before you do this again.") -> None:
        super().__init__(message)
        self.retry_after = retry_after
