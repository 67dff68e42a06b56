"""The issuers that the deployment trusts, and what is fixed about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from accord.domain.text import ascii_domain

ALGORITHMS: Final = frozenset({"RS256", "ES256", "EdDSA", "Ed25519"})
"""Signatures that an issuer may use; none of them has a key that the gateway could sign with."""


@dataclass(frozen=True, slots=True)
class Binding:
    """An organisation, by handle, for whose people an issuer speaks: those with a verified address of `domains`, or
    those whose `claim` has one of `values`."""

    handle: str
    domains: frozenset[str] = frozenset()
    claim: str | None = None
    values: frozenset[str] = frozenset()

    def covers(self, claims: Mapping[str, Any]) -> bool:
        """Does the issuer say that this is one of the organisation's people? An unverified address says nothing."""
        if self.claim is not None:
            said = claims.get(self.claim)
            return any(isinstance(word, str) and word in self.values for word in _listed(said))
        email = claims.get("email")
        if claims.get("email_verified") is not True or not isinstance(email, str):
            return False
        local, _, domain = email.rpartition("@")
        return bool(local) and ascii_domain(domain) in self.domains


def _listed(said: object) -> list[object]:
    return said if isinstance(said, list) else [said]


@dataclass(frozen=True, slots=True)
class Client:
    """What the gateway is at the provider, for people who sign in with a browser; `secret` is None for a public one."""

    id: str
    secret: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")


@dataclass(frozen=True, slots=True)
class Issuer:
    """`algorithms` are fixed here and never taken from a token.

    Keys come from `jwks_uri`, or from the discovery document of `name` when that is None. `mfa_acr`: values of `acr`
    that mean a second factor was used; `amr` with "mfa" always does. `bindings`: for whose people it speaks, nobody's
    without any; `provisions`: may their first sign-in make them members?
    """

    name: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256",)
    jwks_uri: str | None = None
    mfa_acr: tuple[str, ...] = ()
    label: str = ""
    client: Client | None = None
    bindings: tuple[Binding, ...] = ()
    provisions: bool = False

    @property
    def handles(self) -> frozenset[str]:
        """Every organisation that it speaks for."""
        return frozenset(binding.handle for binding in self.bindings)

    def speaks_for(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """The organisations of which these claims make somebody one of the people."""
        return frozenset(binding.handle for binding in self.bindings if binding.covers(claims))

    def __post_init__(self) -> None:
        if not self.algorithms or not ALGORITHMS.issuperset(self.algorithms):
            raise ValueError(f"{self.name}: algorithms must be some of {', '.join(sorted(ALGORITHMS))}")
