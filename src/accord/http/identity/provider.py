"""A provider at which people sign in with a browser: authorisation code flow with PKCE, as OpenID Connect Core says."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import httpx2
import structlog

from accord.http.identity.issuers import Client, Issuer
from accord.http.identity.keys import KEPT, UNUSABLE, discovered, endpoint, exchanged, fetched

log = structlog.stdlib.get_logger("accord.http.identity")

PAUSE: Final = 2.0
"""Seconds in which a provider that did not answer is not asked again, so that nobody waits behind others who wait."""
ISS_IN_ANSWER: Final = "authorization_response_iss_parameter_supported"


class ProviderUnavailable(Exception):
    """The provider can't be asked now, or says nothing that can be used; nothing is known about the person."""


class CodeRefused(Exception):
    """The provider does not take the code: it is old, used, or was made for somebody else."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider gives for a code."""

    id_token: str
    access_token: str | None


class Provider:
    """Its endpoints come from its discovery document, kept for ten minutes; one that fails is left alone a moment."""

    def __init__(
        self, issuer: Issuer, us: Client, client: httpx2.AsyncClient, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.issuer = issuer
        self.us = us
        self.client = client
        self.clock = clock
        self.known: Mapping[str, Any] = {}
        self.known_at = self.failed_at = float("-inf")
        self.lock = asyncio.Lock()

    async def document(self) -> Mapping[str, Any]:
        """Raises ProviderUnavailable."""
        async with self.lock:
            if self.clock() - self.known_at > KEPT:
                if self.clock() - self.failed_at < PAUSE:
                    raise ProviderUnavailable(self.issuer.name)
                try:
                    self.known = await discovered(self.client, self.issuer.name)
                except UNUSABLE as error:
                    self.failed_at = self.clock()
                    raise self.unavailable(error) from None
                self.known_at = self.clock()
        return self.known

    async def address(self, name: str) -> str:
        """One endpoint; raises ProviderUnavailable where there is none."""
        try:
            return endpoint(await self.document(), name)
        except (KeyError, ValueError) as error:
            raise self.unavailable(error) from None

    async def authorisation(self, *, redirect_uri: str, state: str, nonce: str, challenge: str) -> str:
        """Where a browser goes to sign in. Raises ProviderUnavailable."""
        asked = {
            "response_type": "code",
            "client_id": self.us.id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.us.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return with_query(await self.address("authorization_endpoint"), asked)

    async def is_answering(self, named: str | None) -> bool:
        """Is an answer that names this issuer, or none, of this provider (RFC 9207)? Raises ProviderUnavailable."""
        says_so = (await self.document()).get(ISS_IN_ANSWER) is True
        return named == self.issuer.name or (named is None and not says_so)

    async def redeem(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """Raises CodeRefused or ProviderUnavailable."""
        given = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        methods = (await self.document()).get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        also, headers = credentials(self.us, methods)
        uri = await self.address("token_endpoint")
        accepting = {"accept": "application/json", **headers}
        try:
            status, answer = await exchanged(self.client, "POST", uri, data={**given, **also}, headers=accepting)
        except UNUSABLE as error:
            raise self.unavailable(error) from None
        if status != 200:
            refused = answer.get("error") == "invalid_grant"
            log.warning("a provider gives nothing for a code", issuer=self.issuer.name, error=str(answer.get("error")))
            raise CodeRefused if refused else ProviderUnavailable(self.issuer.name)
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str):
            raise self.unavailable(TypeError("no ID token"))
        return Tokens(id_token, access_token if isinstance(access_token, str) else None)

    async def userinfo(self, tokens: Tokens, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """The claims of an ID token with what the provider says elsewhere of the same person, if anywhere.

        By the standard a provider may leave address and name to its userinfo endpoint. Raises ProviderUnavailable.
        """
        wanted = {"email", *(binding.claim for binding in self.issuer.bindings if binding.claim)}
        if wanted <= claims.keys() or tokens.access_token is None or "userinfo_endpoint" not in await self.document():
            return claims
        headers = {"authorization": f"Bearer {tokens.access_token}", "accept": "application/json"}
        try:
            said = await fetched(self.client, await self.address("userinfo_endpoint"), headers=headers)
        except UNUSABLE as error:
            raise self.unavailable(error) from None
        if said.get("sub") != claims["sub"]:
            return claims
        verified = (claims if "email" in claims else said).get("email_verified")
        return {**said, **claims, "email_verified": verified}

    async def farewell(self, return_to: str) -> str | None:
        """Where a browser signs out of the provider too, None where the provider has no such page."""
        try:
            document = await self.document()
            leaving = endpoint(document, "end_session_endpoint") if "end_session_endpoint" in document else None
        except (ProviderUnavailable, ValueError):
            return None
        asked = {"client_id": self.us.id, "post_logout_redirect_uri": return_to}
        return None if leaving is None else with_query(leaving, asked)

    def unavailable(self, error: Exception) -> ProviderUnavailable:
        log.warning("a provider can't be asked", issuer=self.issuer.name, reason=type(error).__name__)
        return ProviderUnavailable(self.issuer.name)


def credentials(us: Client, methods: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """How the gateway says who it is: form fields and headers. A secret goes into the header where that is taken."""
    if us.secret is None:
        return {"client_id": us.id}, {}
    if "client_secret_basic" not in methods and "client_secret_post" in methods:
        return {"client_id": us.id, "client_secret": us.secret}, {}
    pair = f"{quote_plus(us.id)}:{quote_plus(us.secret)}"
    return {}, {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def with_query(address: str, given: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(given)}"
