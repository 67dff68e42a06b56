"""The deployment of `docker/`, rehearsed without Docker: its scripts, commands and environment are the real ones.

A container engine is the only thing replaced: services run as processes of the bundle that the image is made of,
against a PostgreSQL whose roles `docker/roles.sh` made.
"""

import os
import re
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from joserfc.jwk import ECKey

from accord.database.binaries import Binaries
from accord.database.embedded import EmbeddedPostgres
from accord.http.identity.keyfile import read_key
from tests.servers import SETTINGS, open_folder

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
ANYWHERE = "0.0.0.0"  # noqa: S104 - what a container listens on
OURS = ("migrate", "gateway", "worker")
BUNDLE = os.environ.get("ACCORD_TEST_BUNDLE")
with_bundle = pytest.mark.skipif(BUNDLE is None, reason="`make check` builds the bundle of the image")


def instructions(word: str) -> list[str]:
    text = (DOCKER / "Dockerfile").read_text()
    return [line.removeprefix(word).strip() for line in text.splitlines() if line.startswith(f"{word} ")]


def substituted(value: str, secrets: dict[str, str]) -> str:
    """`${NAME}`, `${NAME:-default}` and `${NAME:?message}` as Compose reads them."""

    def replaced(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        if secrets.get(name):
            return secrets[name]
        assert kind != "?", f"{name} is missing: {rest}"
        return str(rest or "")

    return re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", replaced, value)


def test_the_image_is_made_by_a_make_target_and_does_not_run_as_root() -> None:
    assert instructions("RUN")[1:] == ["make bundle BUNDLE=/opt/accord"]
    assert instructions("RUN")[0].endswith("install -y --no-install-recommends make")
    assert instructions("USER") == ["65532:65532"]


@pytest.mark.parametrize("service", OURS)
def test_a_service_has_no_rights_that_it_does_not_need(service: str) -> None:
    given = COMPOSE["services"][service]
    assert given["user"] == "65532:65532"
    assert given["read_only"] is True
    assert given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"]


def test_each_service_knows_the_passwords_of_its_own_roles_only() -> None:
    known = {
        service: set(re.findall(r"ACCORD_(\w+)_PASSWORD:\?", str(COMPOSE["services"][service]["environment"])))
        for service in OURS
    }
    assert known == {"migrate": {"OWNER", "GATEWAY"}, "gateway": {"GATEWAY"}, "worker": {"GATEWAY", "WORKER"}}


def write_secrets(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the script under the umask of most systems, which leaves files readable to all."""
    command = ["sh", "-c", 'umask 022; exec "$0" "$1"', str(DOCKER / "secrets.sh"), str(path)]
    return subprocess.run(command, capture_output=True, check=False, text=True)


def test_the_secrets_are_readable_to_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    ran = write_secrets(path)
    assert ran.returncode == 0, ran.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    values = dotenv_values(path)
    assert len(values) == 5
    assert not any(value and value in ran.stdout + ran.stderr for value in values.values())
    key = values["ACCORD_TICKET_KEY"]
    assert key is not None
    assert read_key(key, ECKey).is_private


def test_secrets_are_written_over_no_file(tmp_path: Path) -> None:
    """A shell that redirects the script's output has made the file before it runs: nothing is put there either."""
    for name, held in (("standing", "POSTGRES_PASSWORD=in use\n"), ("redirected", "")):
        path = tmp_path / name
        path.write_text(held)
        refused = write_secrets(path)
        assert refused.returncode == 1
        assert "left as it is" in refused.stderr
        assert path.read_text() == held
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "elsewhere")
    assert write_secrets(dangling).returncode == 1
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture(scope="module")
def secrets() -> dict[str, str]:
    path = open_folder("accord-secrets-") / ".env"
    assert write_secrets(path).returncode == 0
    values = {name: value for name, value in dotenv_values(path).items() if value}
    shutil.rmtree(path.parent)
    issuer = '[{"issuer": "https://identity.example", "audience": "accord"}]'
    return values | {"ACCORD_PUBLIC_URL": "https://accord.example", "ACCORD_ISSUERS": issuer}


@pytest.fixture(scope="module")
def server(secrets: dict[str, str]) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL without our roles, as the image of PostgreSQL is when it runs `roles.sh`."""
    state = open_folder("accord-docker-")
    with EmbeddedPostgres(state, settings=SETTINGS, ephemeral=True) as server:
        binaries = Binaries.default().folder
        environment = {
            **secrets,
            "PATH": f"{binaries}:/usr/bin:/bin",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
        }
        environment["PGPASSWORD"] = server.url("superuser").split(":")[2].partition("@")[0]
        roles = ("accord_owner", "accord_gateway", "accord_worker")
        forget = ["DROP DATABASE accord", *(f"DROP ROLE {role}" for role in roles)]
        psql = [str(binaries / "psql"), "--quiet", "--username=postgres", "--dbname=postgres"]
        subprocess.run([*psql, *(f"--command={one}" for one in forget)], env=environment, check=True)
        subprocess.run([DOCKER / "roles.sh"], env=environment, check=True)
        yield server
    shutil.rmtree(state)


class Service:
    """A service of the compose file as a process of the bundle."""

    def __init__(self, name: str, secrets: dict[str, str], server: EmbeddedPostgres, port: int) -> None:
        given = COMPOSE["services"][name]
        here = f"@127.0.0.1:{server.port}/"
        self.environment = {"PATH": f"{BUNDLE}/bin:/usr/bin:/bin", "HOME": "/nonexistent", "ACCORD_PORT": str(port)} | {
            key: substituted(str(value), secrets).replace("@postgres:5432/", here)
            for key, value in given["environment"].items()
        }
        arguments = ["127.0.0.1" if word == ANYWHERE else word for word in given["command"]]
        self.process = subprocess.Popen(
            [f"{BUNDLE}/bin/accord", *arguments],
            env=self.environment,
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def healthy(self, name: str, port: int) -> bool:
        _, program, *arguments = COMPOSE["services"][name]["healthcheck"]["test"]
        command = [f"{BUNDLE}/bin/{program}", *(word.replace(":8000", f":{port}") for word in arguments)]
        return subprocess.run(command, env=self.environment, capture_output=True, check=False).returncode == 0

    def end(self) -> tuple[int, str]:
        self.process.terminate()
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@with_bundle
def test_the_services_migrate_serve_and_work_in_their_order(secrets: dict[str, str], server: EmbeddedPostgres) -> None:
    port = free_port()
    migrate = Service("migrate", secrets, server, port)
    output, _ = migrate.process.communicate(timeout=60)
    assert migrate.process.returncode == 0, output
    gateway, worker = Service("gateway", secrets, server, port), Service("worker", secrets, server, port)
    deadline = time.monotonic() + 30
    while not gateway.healthy("gateway", port) and time.monotonic() < deadline and gateway.process.poll() is None:
        time.sleep(0.2)
    was_healthy, was_working = gateway.healthy("gateway", port), worker.process.poll() is None
    ends = {"gateway": gateway.end(), "worker": worker.end()}
    assert (was_healthy, was_working) == (True, True), ends
    assert [code for code, _ in ends.values()] == [0, 0], ends
    assert not any(secret in output for _, output in ends.values() for secret in secrets.values() if len(secret) > 40)
