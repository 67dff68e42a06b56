"""The public keys of an issuer: fetched by discovery, kept ten minutes, asked again at most twice a minute."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import httpx2
import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from accord.http.identity.issuers import Issuer

log = structlog.stdlib.get_logger("accord.http.identity")

KEPT: Final = 600.0
KEPT_WHEN_UNREACHABLE: Final = 3_600.0
PAUSE: Final = 30.0
FETCH_TIMEOUT: Final = 5.0
LARGEST_DOCUMENT: Final = 512 * 1024
UNKNOWN_KEPT: Final = 1_000
UNUSABLE: Final = (httpx2.HTTPError, httpx2.InvalidURL, JoseError, OSError, ValueError, TypeError, KeyError)


class KeysUnavailable(Exception):
    """The issuer's keys can't be had now; nothing is known about the token."""


class Keys(Protocol):
    """Where the key of a token is looked up."""

    async def find(self, kid: str | None) -> Key | None:
        """The key of this id, or the only key when a token names none; None when there is no such key."""


class FixedKeys:
    """Keys that are at hand, such as those of the development issuer."""

    def __init__(self, keys: KeySet) -> None:
        self.keys = keys

    async def find(self, kid: str | None) -> Key | None:
        return pick(self.keys, kid)


class FetchedKeys:
    """The key set of an OpenID issuer. Unknown ids are remembered, so that they cost no fetch for a while."""

    def __init__(self, issuer: Issuer, client: httpx2.AsyncClient, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer = issuer
        self.client = client
        self.clock = clock
        self.keys: KeySet | None = None
        self.fetched_at = self.tried_at = float("-inf")
        self.unknown: OrderedDict[str, float] = OrderedDict()
        self.lock = asyncio.Lock()

    async def find(self, kid: str | None) -> Key | None:
        if self.clock() - self.fetched_at > KEPT:
            await self.refresh()
        keys = self.current()
        found = pick(keys, kid)
        if found is not None or kid is None or self.clock() - self.unknown.get(kid, float("-inf")) < PAUSE:
            return found
        await self.refresh()
        found = pick(self.current(), kid)
        if found is None:
            self.remember(kid)
        return found

    def current(self) -> KeySet:
        if self.keys is None or self.clock() - self.fetched_at > KEPT_WHEN_UNREACHABLE:
            raise KeysUnavailable(self.issuer.name)
        return self.keys

    def remember(self, kid: str) -> None:
        self.unknown[kid] = self.clock()
        if len(self.unknown) > UNKNOWN_KEPT:
            self.unknown.popitem(last=False)

    async def refresh(self) -> None:
        """Asks the issuer, unless it was asked within the last half minute; a failure keeps the keys there are."""
        async with self.lock:
            if self.clock() - self.tried_at < PAUSE:
                return
            self.tried_at = self.clock()
            try:
                self.keys = await self.fetch()
            except UNUSABLE as error:
                log.warning("keys of an issuer can't be fetched", issuer=self.issuer.name, reason=type(error).__name__)
                return
            self.fetched_at = self.clock()
            self.unknown.clear()

    async def fetch(self) -> KeySet:
        uri = self.issuer.jwks_uri or endpoint(await discovered(self.client, self.issuer.name), "jwks_uri")
        document = await fetched(self.client, uri)
        kept = [key for key in document["keys"] if isinstance(key, dict) and usable(key)]
        return KeySet.import_key_set({"keys": kept})


async def discovered(client: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    """The discovery document of an issuer; one of UNUSABLE where there is none that is its own."""
    document = await fetched(client, name.rstrip("/") + "/.well-known/openid-configuration")
    if document.get("issuer") != name:
        raise ValueError("the discovery document is of another issuer")
    return document


def endpoint(document: Mapping[str, Any], name: str) -> str:
    """An address that a discovery document names; an issuer reached by https has no others."""
    uri = document[name]
    if not isinstance(uri, str) or (document["issuer"].startswith("https://") and not uri.startswith("https://")):
        raise ValueError(f"{name} is not a safe address")
    return uri


async def fetched(client: httpx2.AsyncClient, uri: str, **given: Any) -> dict[str, Any]:
    """The JSON object at an address; one of UNUSABLE where there is none."""
    status, document = await exchanged(client, "GET", uri, **given)
    if status != 200:
        raise ValueError(f"status {status}")
    return document


async def exchanged(client: httpx2.AsyncClient, method: str, uri: str, **given: Any) -> tuple[int, dict[str, Any]]:
    """Status and JSON object that an address answers with, redirects not followed; bounded in time and size."""
    streaming = client.stream(method, uri, follow_redirects=False, **given)
    async with asyncio.timeout(FETCH_TIMEOUT), streaming as response:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_DOCUMENT:
                raise ValueError("the document is too large")
    return response.status_code, parsed(bytes(body))


def parsed(body: bytes) -> dict[str, Any]:
    value = orjson.loads(body)
    if not isinstance(value, dict):
        raise TypeError("the document is not an object")
    return value


def usable(key: Mapping[str, Any]) -> bool:
    """A public key for signatures; shared secrets and private keys are left out."""
    return key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig" and "d" not in key


def pick(keys: KeySet, kid: str | None) -> Key | None:
    if kid is None:
        return keys.keys[0] if len(keys.keys) == 1 else None
    return next((key for key in keys.keys if key.kid == kid), None)
