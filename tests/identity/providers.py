"""A real OpenID provider in a process of its own: the npm package `oidc-provider`; a test turns its keys and clock."""

import base64
import hashlib
import html
import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.node import NODE
from tests.walkthroughs.mailbox import free_port

FOLDER = Path(__file__).parent / "provider"
CLIENT = "accord"
SECRET = "a secret of the test's client, long enough for HS256"
FRONTEND = "frontend"
FRONTEND_URI = "http://127.0.0.1:1/back"
AUDIENCE = "accord"
RESOURCE = "https://accord"


def new_key() -> RSAKey:
    made = RSAKey.generate_key(2048)
    return RSAKey.import_key({**made.as_dict(private=True), "use": "sig", "alg": "RS256", "kid": made.thumbprint()})


class Provider:
    """One provider. `people`: claims by subject; whoever knows a subject signs in as it, with any password."""

    def __init__(self, callback: str, people: Mapping[str, Mapping[str, Any]], **given: Any) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.key = new_key()
        origin = callback.removesuffix("/auth/callback")
        client = {
            "client_id": CLIENT,
            "client_secret": SECRET,
            "redirect_uris": [callback],
            "post_logout_redirect_uris": [f"{origin}/"],
            **given.pop("client", {}),
        }
        frontend = {"client_id": FRONTEND, "token_endpoint_auth_method": "none", "redirect_uris": [FRONTEND_URI]}
        self.settings: dict[str, Any] = {
            "port": self.port,
            "issuer": self.issuer,
            "people": dict(people),
            "clients": [client, frontend],
            **given,
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [str(NODE), "provider.mjs"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=FOLDER, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
        )
        self.change(**self.settings, jwks={"keys": [self.key.as_dict(private=True)]})

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()
            self.process = None

    def change(self, **given: Any) -> None:
        """What the provider does differently from now on."""
        assert self.process is not None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()
        while (said := self.process.stdout.readline().strip()) != "ready":
            assert self.process.poll() is None, said

    def rotate(self) -> None:
        """New keys; the old ones are published no more."""
        self.key = new_key()
        self.change(jwks={"keys": [self.key.as_dict(private=True)]})

    def settings_entry(self, **given: Any) -> dict[str, Any]:
        """This provider as an entry of ISSUERS."""
        entry = {"issuer": self.issuer, "audience": AUDIENCE, "client_id": CLIENT, "client_secret": SECRET}
        return entry | given

    def forged(self, subject: str, *, key: RSAKey | None = None, **given: Any) -> str:
        """A token signed with the provider's own key that the provider would not have made."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 3600}
        claims |= {"jti": secrets.token_hex(8), **self.settings["people"].get(subject, {}), **given}
        signing = key or self.key
        return jwt.encode({"alg": "RS256", "kid": signing.kid}, claims, signing, algorithms=["RS256"])

    async def token(self, subject: str, resource: str = RESOURCE) -> str:
        """An access token for a frontend of its own, by the code flow that every frontend goes through."""
        verifier = secrets.token_urlsafe(48)
        asked = {
            "response_type": "code",
            "client_id": FRONTEND,
            "redirect_uri": FRONTEND_URI,
            "scope": "openid email profile",
            "resource": resource,
            "code_challenge": challenge(verifier),
            "code_challenge_method": "S256",
        }
        async with httpx2.AsyncClient() as browser:
            back = await consent(browser, f"{self.issuer}/auth?{urlencode(asked)}", subject, FRONTEND_URI)
            code = parse_qs(urlsplit(back).query)["code"][0]
            given = {"grant_type": "authorization_code", "code": code, "redirect_uri": FRONTEND_URI}
            also = {"client_id": FRONTEND, "code_verifier": verifier, "resource": resource}
            answer = await browser.post(f"{self.issuer}/token", data=given | also)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


def challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


async def consent(browser: httpx2.AsyncClient, url: str, subject: str, until: str) -> str:
    """Do at the provider what a person does, up to the address that it sends the browser back to."""
    for _ in range(12):
        answer = await browser.get(url)
        if answer.is_redirect:
            url = urljoin(url, answer.headers["location"])
            if url.startswith(until):
                return url
            continue
        assert answer.status_code == 200, answer.text
        form = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
        assert form is not None, answer.text
        given = {"prompt": "login", "login": subject, "password": "whatever"}
        posted = await browser.post(urljoin(url, html.unescape(form[1])), data=given)
        assert posted.is_redirect, posted.text
        url = urljoin(url, posted.headers["location"])
    raise AssertionError(f"the provider asks for ever: {url}")


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
