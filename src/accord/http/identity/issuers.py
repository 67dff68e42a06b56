"""The issuers that the deployment trusts, and what is fixed about each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA", "Ed25519"})
"""Signatures that an issuer may use; none of them has a key that the gateway could sign with."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """`algorithms` are fixed here and never taken from a token.

    Keys come from `jwks_uri`, or from the discovery document of `name` when that is None. `mfa_acr`: values of `acr`
    that mean a second factor was used; `amr` with "mfa" always does.
    """

    name: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256",)
    jwks_uri: str | None = None
    mfa_acr: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.algorithms or not ALGORITHMS.issuperset(self.algorithms):
            raise ValueError(f"{self.name}: algorithms must be some of {', '.join(sorted(ALGORITHMS))}")
