"""A mutation under a key: done once, and what came of it told again to who repeats it (surface.md, conventions)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accord.access.principal import Identity
from accord.database.caller import Driver
from accord.database.engine import Transaction
from accord.database.queries.callers.retry import Turn, keep_result, take_turn
from accord.domain.callers.retry import Attempt, OutcomeUnreadable, read_as, written

__all__ = ["Retry", "Seal", "actor_of"]

PURPOSE: Final = b"accord: what came of a mutation"
NONCE: Final = 12


def actor_of(identity: Identity) -> str:
    """Whose keys these are: who the token says, known as a person or not yet."""
    return f"{identity.issuer} {identity.subject}"


class Seal:
    """Closes what is kept, since a result may hold what is shown once.

    It takes the deployment's secret and the client's key to open it; the database has neither.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def close(self, attempt: Attempt, result: bytes) -> bytes:
        """The result as it is kept."""
        nonce = secrets.token_bytes(NONCE)
        return nonce + self._cipher(attempt).encrypt(nonce, result, attempt.name)

    def open(self, attempt: Attempt, kept: bytes) -> bytes:
        """What was kept for this attempt; OutcomeUnreadable where it was closed with another secret."""
        try:
            return self._cipher(attempt).decrypt(kept[:NONCE], kept[NONCE:], attempt.name)
        except (InvalidTag, ValueError) as error:
            raise OutcomeUnreadable from error

    def _cipher(self, attempt: Attempt) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, salt=attempt.key.encode(), info=PURPOSE).derive(self._secret))


class Retry:
    """One attempt in its transaction. `kind` is what the act returns."""

    def __init__(self, attempt: Attempt, seal: Seal, kind: Any) -> None:
        self._attempt = attempt
        self._seal = seal
        self._kind = kind
        self._turn = Turn()

    async def take_turn(self, raw: Driver, now: datetime) -> None:
        """Before anything else is locked or read: wait for a twin; KeyReused where it had other arguments."""
        self._turn = await take_turn(raw, self._attempt, now)

    async def act(self, tx: Transaction, act: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """Does the act and keeps what came of it, or tells what came of it before. A refusal changes nothing: it is
        not kept, and whoever repeats it asks again."""
        if self._turn.result is not None:
            return read_as(self._kind, json.loads(self._seal.open(self._attempt, self._turn.result)))
        result = await act(tx)
        await keep_result(tx, self._turn, self._seal.close(self._attempt, json.dumps(written(result)).encode()))
        return result
