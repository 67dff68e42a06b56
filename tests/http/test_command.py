"""The command line as a person meets it: it starts, says what to do, refuses with one line, and ends when told."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx2

from tests.servers import DatabaseURLs

ROOT = Path(__file__).parents[2]
CANARY = "canary-2b7d"
READY = 60.0


def environment(urls: DatabaseURLs | None, state: Path, **given: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACCORD_")}
    roles = ("owner", "gateway", "worker")
    names = ("OWNER_URL", "DATABASE_URL", "WORKER_URL")
    of_database = (
        {f"ACCORD_{name}": getattr(urls, role) for name, role in zip(names, roles, strict=True)} if urls else {}
    )
    return {
        **kept,
        **of_database,
        "ACCORD_DEVELOPMENT_ON_DATABASE_URL": "true",
        "ACCORD_STATE": str(state),
        "ACCORD_DATABASE_WAIT": "0",
        **{f"ACCORD_{name}": text for name, text in given.items()},
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(port: int, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "accord", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def until_ready(process: subprocess.Popen[str]) -> list[str]:
    """The lines of its announcement."""
    assert process.stdout is not None
    lines: list[str] = []
    deadline = time.monotonic() + READY
    while time.monotonic() < deadline and process.poll() is None:
        lines.append(process.stdout.readline())
        if "Ctrl+C" in lines[-1]:
            return lines
    raise AssertionError("".join(lines))


def test_serve_says_what_to_do_and_ends_when_told(database_urls: DatabaseURLs, tmp_path: Path) -> None:
    port = free_port()
    env = environment(database_urls, tmp_path, PORT=str(port))
    with served(port, env) as process:
        said = "".join(until_ready(process))
        assert f"Accord is ready at http://127.0.0.1:{port}" in said
        signed, again = commands(
            env, (["token", "--as", "ada@harbour.example"], {}), (["serve", "--port", str(port)], {})
        )
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as http:
            headers = {"authorization": f"Bearer {signed[1].strip()}"}
            answer = http.post("/graphql", json={"query": "{ supportContact { name } }"}, headers=headers)
            assert answer.json()["data"] == {"supportContact": {"name": "Accord support"}}
            assert http.get("/ready").status_code == 200
        assert (again[0], "can't listen" in again[2]) == (1, True)
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in rest


RUNNER = """
import json, os, sys
from typer.testing import CliRunner
from accord.__main__ import app
for words, given in json.load(sys.stdin):
    result = CliRunner().invoke(app, words, env={**os.environ, **given})
    shown = [result.exit_code, result.stdout, result.stderr, repr(result.exception)]
    sys.__stdout__.write(json.dumps(shown) + chr(10))
"""


def commands(env: dict[str, str], *asked: tuple[list[str], dict[str, str]]) -> list[tuple[int, str, str]]:
    """Exit code, output and errors of several commands, run by one process since starting it takes the longest."""
    command = [sys.executable, "-c", RUNNER]
    given = json.dumps(asked)
    done = subprocess.run(
        command, env=env, input=given, cwd=ROOT, capture_output=True, text=True, timeout=180, check=True
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert "Traceback" not in done.stderr, done.stderr
    assert all(exception in ("None", f"SystemExit({code})") for code, _, _, exception in results), results
    return [(code, output, errors) for code, output, errors, _ in results]


REFUSED: list[tuple[dict[str, str], int, str]] = [
    ({"ACCORD_HOST": "0.0.0.0"}, 2, "loopback"),  # noqa: S104 - that is what is refused
    ({"ACCORD_CORS_ORIGINS": "*"}, 2, "wildcard"),
    ({"ACCORD_TOKENS": "many"}, 2, "ACCORD_TOKENS"),
    ({"ACCORD_ISSUERS": "nonsense"}, 2, "issuers"),
    ({"ACCORD_ENVIRONMENT": "staging"}, 2, "ACCORD_ENVIRONMENT"),
    ({"ACCORD_ENVIRONMENT": "production"}, 2, "ISSUERS"),
    ({"ACCORD_DATABASE_URL": f"postgresql://nobody:{CANARY}@127.0.0.1:1/none"}, 1, "DATABASE_URL can't be used"),
    ({"ACCORD_OWNER_URL": f"postgresql://nobody:{CANARY}@127.0.0.1:1/none"}, 1, "OWNER_URL can't be prepared"),
    ({"ACCORD_DEVELOPMENT_ON_DATABASE_URL": "false"}, 1, "ACCORD_DEVELOPMENT_ON_DATABASE_URL=true"),
]


def test_serve_refuses_with_one_line(module_database_urls: DatabaseURLs, tmp_path: Path) -> None:
    serve = ["serve", "--port", str(free_port())]
    owner = ({"ACCORD_DATABASE_URL": module_database_urls.owner}, 1, "refuses to start: the role of DATABASE_URL owns")
    cases = [*REFUSED, owner]
    results = commands(environment(module_database_urls, tmp_path), *((serve, given) for given, _, _ in cases))
    for (code, output, errors), (given, expected, says) in zip(results, cases, strict=True):
        assert (code, output) == (expected, ""), (given, errors)
        assert says in errors
        assert CANARY not in errors


def test_commands_on_a_database(module_database_urls: DatabaseURLs, tmp_path: Path) -> None:
    current, stale = tmp_path / "current.graphql", tmp_path / "stale.graphql"
    stale.write_text("type Query { nothing: String }")
    anchors, none = tmp_path / "anchors", tmp_path / "none"
    anchors.write_text(f"# kept elsewhere\norganisation_{UUID(int=5)} 3 {'a' * 64}\nplatform - {'b' * 64}\n")
    none.write_text("organisation_x 3\n")
    env = environment(module_database_urls, tmp_path)
    results = commands(
        env,
        (["migrate"], {}),
        (["audit", "verify"], {}),
        (["mail"], {}),
        (["token", "--as", "nobody"], {}),
        (["schema", "--path", str(current)], {}),
        (["schema", "--check", "--path", str(current)], {}),
        (["audit", "verify", "--anchors", str(anchors)], {}),
        (["audit", "verify", "--anchors", str(none)], {}),
        (["schema", "--check", "--path", str(stale)], {}),
    )
    assert [code for code, _, _ in results] == [0, 0, 0, 1, 0, 0, 1, 2, 1]
    assert "event 3: is gone; the file of anchors, line 2 has it on record" in results[6][1]
    assert "no event has the hash that the file of anchors, line 3 has on record" in results[6][1]
    assert "line 1: expected an organisation, a number and a hash" in results[7][2]
    assert "0 faults" in results[1][1]
    assert "not current" in results[-1][2]
