"""The edge behind the real server: slow peers are sent away, and SIGTERM ends a server with a request open."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import uvicorn

from accord.http.protocol import MOST_PIPELINED, PatientProtocol, protocol_waiting
from tests.http.listening import listening as listen
from tests.http.toy import Toy

GRACE = 1
HEAD = (
    b"POST /graphql HTTP/1.1\r\nhost: gateway.example\r\ncontent-type: application/json\r\nauthorization: Bearer %s\r\n"
)


def serve(port: int) -> None:
    """Run in a process of its own by the tests of signals."""
    toy = Toy(timeout=60)
    sys.stdout.write(f"{toy.token()}\n")
    sys.stdout.flush()
    config = uvicorn.Config(toy.app, port=port, http=protocol_waiting(0.5), ws="none", timeout_graceful_shutdown=GRACE)
    uvicorn.Server(config).run()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Listening:
    def __init__(self, toy: Toy, port: int) -> None:
        self.toy = toy
        self.port = port

    async def talk(self, *pieces: bytes, pause: float = 0.0, wait: float = 5.0) -> bytes:
        """Send the pieces with pauses between them, read until the server closes or stops answering.

        A server that closes while a piece is on its way resets the connection: what it said before counts.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answer = bytearray()

        async def read() -> None:
            with suppress(ConnectionResetError):
                while piece := await reader.read(65_536):
                    answer.extend(piece)

        reading = asyncio.create_task(read())
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause)
        try:
            await asyncio.wait_for(reading, wait)
        finally:
            writer.close()
        return bytes(answer)

    def head(self, *lines: bytes) -> bytes:
        return HEAD % self.toy.token().encode() + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


@pytest.fixture(scope="module")
async def listening() -> AsyncIterator[Listening]:
    toy = Toy(body_timeout=0.5, timeout=0.5, in_flight=3)
    async with listen(toy.app, header_seconds=0.5, timeout_keep_alive=1) as port:
        yield Listening(toy, port)


async def test_a_whole_request(listening: Listening) -> None:
    body = b'{"query":"{ viewer }"}'
    answer = await listening.talk(listening.head(b"connection: close", b"content-length: %d" % len(body)) + body)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"viewer":"person"' in answer


@pytest.mark.parametrize("pieces", [[b""], [b"POST /gra"], [b"\r\n"], [b"POST /graphql HTTP/1.1\r\nhost: a\r\nx: "]])
async def test_headers_that_do_not_end(listening: Listening, pieces: list[bytes]) -> None:
    answer = await listening.talk(*pieces)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"REQUEST_TIMEOUT" in answer


@pytest.mark.parametrize(("count", "answered"), [(1, 1), (MOST_PIPELINED, MOST_PIPELINED), (10_000, 0)])
async def test_a_connection_is_cut_where_too_many_requests_wait_on_it(
    listening: Listening, monkeypatch: pytest.MonkeyPatch, count: int, answered: int
) -> None:
    """No more than the limit is ever kept, whatever is sent at once."""
    kept: list[int] = []
    complete = PatientProtocol.on_headers_complete

    def watched(protocol: PatientProtocol) -> None:
        complete(protocol)
        kept.append(len(protocol.pipeline))

    monkeypatch.setattr(PatientProtocol, "on_headers_complete", watched)
    answer = await listening.talk(b"GET /live HTTP/1.1\r\nhost: a\r\n\r\n" * count)
    assert answer.count(b"HTTP/1.1 ") >= answered
    assert len(kept) <= MOST_PIPELINED + 1 or count <= MOST_PIPELINED
    assert max(kept) <= MOST_PIPELINED


@pytest.mark.parametrize(("size", "status"), [(1, b"400"), (1_000, b"200")])
async def test_a_body_of_many_small_chunks(
    listening: Listening, monkeypatch: pytest.MonkeyPatch, size: int, status: bytes
) -> None:
    """It is read no further than to where that is known."""
    pieces = 0
    on_body = PatientProtocol.on_body

    def watched(protocol: PatientProtocol, body: bytes) -> None:
        nonlocal pieces
        pieces += 1
        on_body(protocol, body)

    monkeypatch.setattr(PatientProtocol, "on_body", watched)
    body = b'{"query":"{ viewer }"}' + b" " * 20_000
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in split(body, size))
    head = listening.head(b"connection: close", b"transfer-encoding: chunked")
    answer = await listening.talk(head + chunks + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert pieces < 300


def split(body: bytes, size: int) -> list[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


async def test_headers_that_drip(listening: Listening) -> None:
    answer = await listening.talk(b"GET /live HTTP/1.1\r\n", *[b"x: y\r\n"] * 8, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408")


async def test_a_body_that_does_not_come(listening: Listening) -> None:
    answer = await listening.talk(listening.head(b"content-length: 100"), b'{"query":')
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()
    assert b'"REQUEST_TIMEOUT"' in answer


async def test_a_body_that_drips(listening: Listening) -> None:
    answer = await listening.talk(listening.head(b"content-length: 100"), *[b"x"] * 8, pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408")


async def test_a_body_that_ends_early(listening: Listening) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", listening.port)
    writer.write(listening.head(b"content-length: 100") + b"{")
    writer.close()
    assert await listening.talk(listening.head(b"connection: close", b"content-length: 2") + b"{}")
    del reader


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET / HTTP/9.9\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nx\x00: y\r\n\r\n",
        b"GET / HTTP/1.1\r\n host: a\r\n\r\n",
    ],
)
async def test_bytes_that_are_no_http(listening: Listening, raw: bytes) -> None:
    answer = await listening.talk(raw)
    assert answer.split(b" ")[1][:1] == b"4"
    assert b'"code"' in answer


@pytest.mark.parametrize(
    "line", [b"x: " + b"y" * 40_000, b"x: y\r\n" * 8_000, b"authorization: Bearer " + b"y" * 70_000]
)
async def test_headers_without_end_are_not_collected(listening: Listening, line: bytes) -> None:
    answer = await listening.talk(b"GET /live HTTP/1.1\r\nhost: a\r\n" + line)
    assert answer.startswith(b"HTTP/1.1 431")
    assert b'"HEADERS_TOO_LARGE"' in answer


async def test_an_operation_that_takes_too_long(listening: Listening) -> None:
    for query, code in (
        (b"{ slow(seconds: 5) }", b'"TIMEOUT"'),
        (b"mutation { wait(seconds: 5) }", b'"OUTCOME_UNKNOWN"'),
    ):
        body = b'{"query":"' + query + b'"}'
        answer = await listening.talk(listening.head(b"connection: close", b"content-length: %d" % len(body)) + body)
        assert answer.startswith(b"HTTP/1.1 504")
        assert code in answer


async def test_one_request_too_many_at_once(listening: Listening) -> None:
    body = b'{"query":"{ slow(seconds: 0.3) }"}'
    request = listening.head(b"connection: close", b"content-length: %d" % len(body)) + body
    answers = await asyncio.gather(*(listening.talk(request) for _ in range(4)))
    assert sorted(answer.split(b" ")[1] for answer in answers) == [b"200", b"200", b"200", b"503"]
    busy = next(answer for answer in answers if answer.split(b" ")[1] == b"503")
    assert b"retry-after: 1" in busy
    assert b'"BUSY"' in busy


@contextmanager
def served(port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    root = Path(__file__).parents[2]
    code = f"from tests.http.test_server import serve; serve({port})"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    for _ in range(200):
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
    raise AssertionError("the server does not listen")


@pytest.mark.parametrize("query", ["{ slow(seconds: 30) }", "mutation { wait(seconds: 30) }"])
async def test_a_slow_request_does_not_keep_the_server(query: str) -> None:
    port = free_port()
    with served(port) as (process, token):
        _, writer = await connect(port)
        body = f'{{"query":"{query}"}}'.encode()
        writer.write(HEAD % token.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        await asyncio.sleep(0.3)
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 15)
        assert time.monotonic() - started < GRACE + 10
        writer.close()


async def test_a_request_within_the_grace_is_finished() -> None:
    port = free_port()
    with served(port) as (process, token):
        reader, writer = await connect(port)
        body = b'{"query":"{ slow(seconds: 0.5) }"}'
        writer.write(HEAD % token.encode() + b"content-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        await asyncio.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        answer = await reader.read()
        assert b'"slow":"done"' in answer
        await asyncio.to_thread(process.wait, 15)
        writer.close()
