"""`accord serve` as a process of its own, and plain HTTP to it."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import httpx2

from tests.walkthroughs.mailbox import Mailbox, free_port

START = 120.0
"""Seconds until the gateway has to be ready."""
STOP = 25.0
"""Seconds it may take to end after SIGTERM."""
BROWSER = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)


class URLs(Protocol):
    """The three database URLs of one database."""

    @property
    def owner(self) -> str: ...
    @property
    def gateway(self) -> str: ...
    @property
    def worker(self) -> str: ...


class Server:
    """A running gateway: where it is, and the development issuer, and how often somebody has acted."""

    def __init__(self, url: str, mailbox: Mailbox, http: httpx2.Client, runner: asyncio.Runner) -> None:
        self.url = url
        self.mailbox = mailbox
        self.http = http
        self.runner = runner
        self.acts = 0

    def token(self, email: str) -> str:
        """Sign in as this person: the development issuer asks for nothing but the address."""
        answer = self.http.post("/dev/token", json={"email": email})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])


def environment(urls: URLs, url: str, mailbox: Mailbox, operators: tuple[str, ...]) -> dict[str, str]:
    """The settings of a gateway in development that mails to the sink; nothing of the caller's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACCORD_")}
    return kept | {
        "ACCORD_DATABASE_URL": urls.gateway,
        "ACCORD_OWNER_URL": urls.owner,
        "ACCORD_WORKER_URL": urls.worker,
        "ACCORD_DEVELOPMENT_ON_DATABASE_URL": "true",
        "ACCORD_PUBLIC_URL": url,
        "ACCORD_OPERATORS": ",".join(f"{url}/dev/issuer {email}" for email in operators),
        "ACCORD_SMTP_HOST": "127.0.0.1",
        "ACCORD_SMTP_PORT": str(mailbox.port),
    }


def wait_until_ready(process: subprocess.Popen[bytes], http: httpx2.Client, log: Path) -> None:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the gateway ended with {process.returncode}:\n{log.read_text()[-4000:]}"
        try:
            if http.get("/ready").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the gateway is not ready after {START} s:\n{log.read_text()[-4000:]}")


@contextmanager
def serve(urls: URLs, operators: tuple[str, ...], also: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start `accord serve` over this database, wait until it is ready, stop it in the end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    mailbox = Mailbox()
    with tempfile.TemporaryDirectory(prefix="accord-walkthrough-") as folder:
        log = Path(folder) / "serve.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "accord", "serve", "--port", str(port)],
                env=environment(urls, url, mailbox, operators) | {"ACCORD_STATE": folder} | dict(also or {}),
                cwd=folder,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            client = httpx2.Client(base_url=url, timeout=30, headers={"user-agent": BROWSER})
            with client as http, asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
                wait_until_ready(process, http, log)
                yield Server(url, mailbox, http, runner)
        finally:
            stop(process, log)
            mailbox.close()


def stop(process: subprocess.Popen[bytes], log: Path) -> None:
    """End it as an operator would; a traceback in its log is a failure of the run."""
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError("the gateway did not stop on SIGTERM") from None
    assert "Traceback" not in log.read_text(), log.read_text()[-8000:]
