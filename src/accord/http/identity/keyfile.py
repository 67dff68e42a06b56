"""Signing keys of the gateway, made once and kept in a file that only its user can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeVar

import orjson
from joserfc.jwk import ECKey, KeySet, OKPKey

SigningKey = TypeVar("SigningKey", ECKey, OKPKey)
PRIVATE: Final = 0o600


def signing_key(path: Path, kind: type[SigningKey]) -> SigningKey:
    """The key of this file, made when there is none; of two processes that make it at once one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = kind.generate_key()
        store(path, orjson.dumps(made.as_dict(private=True)))
    return read_key(path.read_text(), kind)


def read_key(text: str, kind: type[SigningKey]) -> SigningKey:
    """A private key as JWK or PEM; its id is its thumbprint. Raises ValueError."""
    stripped = text.strip()
    key = kind.import_key(orjson.loads(stripped) if stripped.startswith("{") else stripped)
    if not key.is_private:
        raise ValueError("the signing key must be a private key")
    return kind.import_key({**key.as_dict(private=True), "use": "sig", "kid": key.thumbprint()})


def store(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)


def public_set(*keys: ECKey | OKPKey) -> dict[str, object]:
    """The key set to publish."""
    return dict(KeySet(list(keys)).as_dict(private=False))
