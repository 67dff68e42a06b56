"""/auth: signing in with a browser at one of the deployment's providers, and signing out (model 4.12)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from accord.access.principal import Identity
from accord.http.failures import CALLBACK, SIGN_IN, Failures, Presented, address_of
from accord.http.identity.cookies import ATTEMPT, SESSION, cookie, forget, keep
from accord.http.identity.keys import KeysUnavailable
from accord.http.identity.origins import Origins
from accord.http.identity.provider import CodeRefused, Provider, ProviderUnavailable
from accord.http.identity.tokens import InvalidToken, Proof, TokenChecker, proof
from accord.http.responses import HttpError
from accord.services.people.browser import Attempt, begin_session, end_session, open_attempt, take_attempt

log = structlog.stdlib.get_logger("accord.http.identity")

Identify = Callable[[Proof, Request], Identity]
Write = Callable[[Identity | None, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
"""Runs one act as this identity, as nobody without one; raises 503 BUSY when the database can't be asked."""

RETURN_TO: Final = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")
"""A path of the own origin: printable ASCII without a backslash, and no second slash that would begin a host."""
LONGEST: Final = 2048


class SignInOver(HttpError):
    """The browser brings no attempt of its own that still stands."""

    def __init__(self) -> None:
        message = "This sign-in is over, or began in another browser. Please begin again."
        super().__init__(400, "SIGN_IN_OVER", message)


class SignInRoutes:
    """`providers` by the name of their issuer; `public_url` is where the browser comes back to; `most` sign-ins of an
    address may begin in a minute, since each leaves a row behind."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        checker: TokenChecker,
        identify: Identify,
        write: Write,
        origins: Origins,
        public_url: str,
        failures: Failures,
        most: int,
    ) -> None:
        self.providers = providers
        self.checker = checker
        self.identify = identify
        self.write = write
        self.origins = origins
        self.public_url = public_url
        self.failures = failures
        self.most = most

    def routes(self) -> list[Route]:
        return [
            Route("/auth/issuers", self.issuers),
            Route("/auth/sign-in", self.sign_in),
            Route("/auth/callback", self.callback),
            Route("/auth/sign-out", self.sign_out, methods=["POST"]),
        ]

    @property
    def redirect_uri(self) -> str:
        return f"{self.public_url}/auth/callback"

    async def issuers(self, request: Request) -> Response:
        """Where people can sign in, for the page of a frontend that asks them."""
        listed = [
            {
                "issuer": name,
                "label": provider.issuer.label,
                "signIn": f"{self.public_url}/auth/sign-in?{urlencode({'issuer': name})}",
            }
            for name, provider in self.providers.items()
        ]
        return JSONResponse({"issuers": listed})

    async def sign_in(self, request: Request) -> Response:
        """Send the browser to a provider. State, nonce and verifier come from one secret that the browser keeps."""
        await self.failures.take(Presented(SIGN_IN, address_of(request)), self.most)
        provider = self.providers.get(request.query_params.get("issuer", ""))
        return_to = request.query_params.get("return_to", "/")
        if provider is None:
            raise HttpError(404, "NOT_FOUND", "There is no such issuer to sign in at.")
        if not RETURN_TO.fullmatch(return_to):
            raise HttpError(400, "BAD_REQUEST", "`return_to` must be a path of this service.")
        await self.reached(provider.document())
        secret = await self.write(None, partial(open_attempt, issuer=provider.issuer.name, return_to=return_to))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(derived(secret, "verifier").encode()).digest())
        going = provider.authorisation(
            redirect_uri=self.redirect_uri,
            state=derived(secret, "state"),
            nonce=derived(secret, "nonce"),
            challenge=challenge.rstrip(b"=").decode(),
        )
        response = RedirectResponse(await self.reached(going), 303)
        keep(response, ATTEMPT, secret)
        return response

    async def callback(self, request: Request) -> Response:
        """The browser comes back: its own attempt, once, with a code that the provider takes; then it is signed in."""
        shown = Presented(CALLBACK, address_of(request))
        secret, attempt = await self.failures.checked(shown, partial(self.attempt, request), SignInOver)
        provider = self.providers.get(attempt.issuer)
        if provider is None:
            raise HttpError(404, "NOT_FOUND", "There is no such issuer to sign in at.")
        identity = self.identify(await self.reached(self.proved(request, provider, secret)), request)
        begin = partial(begin_session, replaced=cookie(request, SESSION))
        response = RedirectResponse(self.origins.own + attempt.return_to, 303)
        keep(response, SESSION, await self.write(identity, begin))
        forget(response, ATTEMPT)
        return response

    async def attempt(self, request: Request) -> tuple[str, Attempt]:
        """Raises SignInOver for an answer to an attempt that is not of this browser, or was answered, or is old."""
        secret = cookie(request, ATTEMPT)
        state = request.query_params.get("state", "")
        if secret is not None and secrets.compare_digest(derived(secret, "state").encode(), state.encode()):
            attempt: Attempt | None = await self.write(None, partial(take_attempt, secret=secret))
            if attempt is not None:
                return secret, attempt
        raise SignInOver

    async def proved(self, request: Request, provider: Provider, secret: str) -> Proof:
        """What the provider says of the person. Raises SIGN_IN_REFUSED, and what `reached` knows."""
        code, issuer = request.query_params.get("code", ""), request.query_params.get("iss")
        if not await provider.is_answering(issuer) or not 0 < len(code) <= LONGEST:
            raise refused(str(request.query_params.get("error", "no code"))[:64])
        try:
            tokens = await provider.redeem(code, self.redirect_uri, derived(secret, "verifier"))
            nonce, token = derived(secret, "nonce"), tokens.id_token.encode("latin-1", "replace")
            claims = await self.checker.check_id_token(token, provider.issuer, provider.us.id, nonce)
            return proof(await provider.userinfo(tokens, claims), provider.issuer, token)
        except InvalidToken as reason:
            raise refused(str(reason)) from None
        except CodeRefused:
            raise refused("the code is not taken") from None

    async def reached(self, asked: Awaitable[Any]) -> Any:
        """What the provider says; raises 503 BUSY while it can't be asked."""
        try:
            return await asked
        except (ProviderUnavailable, KeysUnavailable):
            headers = {"retry-after": "30"}
            raise HttpError(503, "BUSY", "The identity provider can't be asked now.", headers=headers) from None

    async def sign_out(self, request: Request) -> Response:
        """End the browser's session; `endSessionUrl` is where it can sign out of the provider too."""
        self.origins.require(request)
        secret = cookie(request, SESSION)
        issuer = None if secret is None else await self.write(None, partial(end_session, secret=secret))
        provider = self.providers.get(issuer or "")
        farewell = None if provider is None else await provider.farewell(self.public_url + "/")
        response = JSONResponse({"signedOut": issuer is not None, "endSessionUrl": farewell})
        forget(response, SESSION)
        return response


def derived(secret: str, use: str) -> str:
    """One of the values of an attempt, which says nothing about the others."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"{use} {secret}".encode()).digest()).rstrip(b"=").decode()


def refused(reason: str) -> HttpError:
    log.info("sign-in refused", reason=reason)
    return HttpError(400, "SIGN_IN_REFUSED", "The sign-in was not accepted. Please begin again.")
