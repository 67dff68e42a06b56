"""The PostgreSQL that comes with the package, run as a child of this process when no URL is configured.

One state folder holds one cluster and has at most one launcher, which holds `<state>/lock` while it lives. A launcher
that is killed leaves its server behind; the next one to get the lock stops that orphan and starts anew. The server
listens on a random port of 127.0.0.1 only and asks every role for its password (scram-sha-256, 256 random bits each);
the passwords are in `<state>/passwords.json`, readable by the owner of the state alone.
"""

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final, Self

from accord.database.binaries import OLDEST, Binaries, EmbeddedPostgresError, hand_over
from accord.database.postmaster import Postmaster

ROLES: Final = {
    "superuser": "postgres",
    "owner": "accord_owner",
    "gateway": "accord_gateway",
    "worker": "accord_worker",
}
DATABASE: Final = "accord"
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 10.0
SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "synchronous_commit": "on",
}
ACCESS: Final = "# the application's roles and the superuser, by password, on the loopback interface\n" + "".join(
    f"host all {role} 127.0.0.1/32 scram-sha-256\n" for role in ROLES.values()
)


class AlreadyRunning(EmbeddedPostgresError):
    """Another live process launched the server of this state folder."""


class NotRunning(EmbeddedPostgresError):
    """No live process has launched the server of this state folder."""


def default_state() -> Path:
    """Where the cluster of this installation lives.

    Root: a folder that the server's user can enter, named by a hash of the checkout. Others: `.accord` in the
    checkout, or `$XDG_STATE_HOME/accord` for an installed package.
    """
    checkout = Path(__file__).resolve().parents[3]
    in_checkout = (checkout / "pyproject.toml").is_file()
    if os.geteuid() == 0:
        anchor = str(checkout) if in_checkout else sys.prefix
        return Path("/var/lib/accord") / hashlib.sha256(anchor.encode()).hexdigest()[:16]
    if in_checkout and os.access(checkout, os.W_OK):
        return checkout / ".accord"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "accord"


class EmbeddedPostgres:
    """A PostgreSQL server of our own, with the database `accord` and the roles owner, gateway and worker.

    `settings` go over the defaults of the server. `ephemeral` empties the cluster at start and at stop. As root the
    server runs as `nobody`. Use it as a context manager, or call `start` and `stop`; `attach` joins a live launcher's
    server without owning it.
    """

    def __init__(
        self,
        state: Path | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        binaries: Binaries | None = None,
        ephemeral: bool = False,
    ) -> None:
        self.state = (state or default_state()).absolute()
        self.data = self.state / "data"
        self.port = 0
        self._settings = {**SETTINGS, **(settings or {})}
        self._binaries = binaries or Binaries.default()
        self._ephemeral = ephemeral
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._passwords: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self if self.port else self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def process_id(self) -> int:
        """Process id of the server. Raises NotRunning."""
        if (postmaster := Postmaster.of(self.data)) is None:
            raise NotRunning(f"no PostgreSQL runs in {self.data}")
        return postmaster.process_id

    def start(self) -> Self:
        """Start the server and wait until it takes connections; make the cluster first when there is none.

        Raises AlreadyRunning when a live process holds the state, EmbeddedPostgresError when the server doesn't start.
        """
        _make_folder(self.state)
        self._take_lock()
        try:
            self._stop_orphan()
            if self._ephemeral:
                shutil.rmtree(self.data, ignore_errors=True)
            self._binaries = self._binaries.within_reach(self.state)
            version = self._binaries.version()
            if not (self.data / "PG_VERSION").is_file():
                self._create_cluster(version)
            self._check_version(version)
            self._load_passwords()
            self._launch()
        except BaseException:
            self._end_process()
            self._release_lock()
            raise
        return self

    def attach(self) -> Self:
        """Use the server that another live process launched; `stop` then leaves it alone. Raises NotRunning."""
        postmaster = Postmaster.of(self.data)
        if not self._locked_by_another() or postmaster is None or not postmaster.ready:
            raise NotRunning(f"no process runs the PostgreSQL in {self.state}")
        self.port = postmaster.port
        self._load_passwords()
        return self

    def attach_or_start(self) -> Self:
        """Join the server of a live launcher, or start it."""
        try:
            return self.attach()
        except NotRunning:
            return self.start()

    def revive(self) -> bool:
        """Start our server again, on its port, if it has died; whether it had."""
        if self._process is None or self._process.poll() is None:
            return False
        self._stop_orphan()
        self._launch(self.port)
        return True

    def stop(self) -> None:
        """Stop the server that this object started, finishing its checkpoint; safe to call twice."""
        self.port = 0
        if self._lock is None:
            return
        self._end_process()
        if self._ephemeral:
            shutil.rmtree(self.data, ignore_errors=True)
        self._release_lock()

    def url(self, role: str, database: str = DATABASE) -> str:
        """`postgresql://` URL of a role: superuser, owner, gateway or worker (or its name in the server)."""
        name = ROLES.get(role, role)
        return f"postgresql://{name}:{self._passwords[name]}@127.0.0.1:{self.port}/{database}"

    # The lock

    def _take_lock(self) -> None:
        handle = (self.state / "lock").open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            postmaster = Postmaster.of(self.data)
            served = f" (process {postmaster.process_id}, port {postmaster.port})" if postmaster else ""
            raise AlreadyRunning(
                f"another process runs the PostgreSQL in {self.state}{served}; stop that first"
            ) from None
        self._lock = handle

    def _locked_by_another(self) -> bool:
        if not (self.state / "lock").is_file():
            return False
        with (self.state / "lock").open() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # Orphans, and the end of our own server

    def _stop_orphan(self) -> None:
        """Stop what a killed launcher left behind, and clear its pid file if only a zombie holds it."""
        orphan = Postmaster.of(self.data)
        if orphan is not None and orphan.alive:
            _stop(orphan.signal, lambda seconds: _until(lambda: not orphan.alive, seconds))
        if not _until(lambda: not Postmaster.working_in(self.data), STOP_SECONDS):
            raise EmbeddedPostgresError(f"processes of a killed PostgreSQL still run in {self.data}")
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            _stop(process.send_signal, lambda seconds: _exited(process, seconds))

    # The cluster

    def _check_version(self, version: int) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != str(version):
            raise EmbeddedPostgresError(
                f"{self.data} was made by PostgreSQL {made_by}, the binaries are {version}: "
                "set ACCORD_POSTGRES_BIN, or move the folder away to start with an empty database"
            )

    def _create_cluster(self, version: int) -> None:
        """Make the cluster with its roles and database beside its place, so that it appears there complete or never."""
        self._save_passwords({name: secrets.token_urlsafe(32) for name in ROLES.values()})
        shutil.rmtree(self.data, ignore_errors=True)
        workshop = self.state / "new"
        shutil.rmtree(workshop, ignore_errors=True)
        workshop.mkdir(mode=0o700)
        hand_over(workshop)
        cluster = workshop / "data"
        durable = self._settings.get("fsync", "on") != "off"
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            if version > OLDEST
            else ["--locale-provider=libc"]
        )
        self._binaries.run(
            "initdb",
            *("--pgdata", str(cluster), "--username", ROLES["superuser"], "--encoding=UTF8", "--locale=C", *locale),
            *("--auth=scram-sha-256", f"--pwfile={self._password_file(workshop)}"),
            *(() if durable else ("--no-sync",)),
        )
        (cluster / "pg_hba.conf").write_text(ACCESS)
        self._bootstrap(cluster)
        cluster.rename(self.data)
        shutil.rmtree(workshop)

    def _password_file(self, workshop: Path) -> Path:
        path = workshop / "password"
        _write_secret(path, self._passwords[ROLES["superuser"]])
        hand_over(path)
        return path

    def _bootstrap(self, cluster: Path) -> None:
        """Make roles and database in a server without network, before anybody can connect."""
        rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
        roles = [name for key, name in ROLES.items() if key != "superuser"]
        statements = [f"CREATE ROLE {name} {rights} PASSWORD '{self._passwords[name]}';" for name in roles]
        statements.append(f"CREATE DATABASE {DATABASE} OWNER {ROLES['owner']};")
        command = ("--single", "-D", cluster, "-c", "password_encryption=scram-sha-256", "postgres")
        script = "\n".join(statements) + "\n"
        said = self._binaries.run("postgres", *command, standard_input=script)
        if "ERROR:" in said:
            raise EmbeddedPostgresError(f"the roles could not be made:\n{said[-2000:]}")

    def _save_passwords(self, passwords: dict[str, str]) -> None:
        self._passwords = passwords
        _write_secret(self.state / "passwords.json", json.dumps(passwords))

    def _load_passwords(self) -> None:
        self._passwords = json.loads((self.state / "passwords.json").read_text())

    # The server

    def _launch(self, port: int = 0) -> None:
        """Start the server on this port or a free one; another one if somebody takes that port in between."""
        for attempts_left in (2, 1, 0):
            self.port = port or _free_port()
            with os.fdopen(
                os.open(self.state / "postgres.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as log:
                settings = [f"--{name}={value}" for name, value in {**self._settings, "port": str(self.port)}.items()]
                self._process = self._binaries.start("postgres", ["-D", str(self.data), *settings], log)
            if self._became_ready(self._process):
                return
            said = (self.state / "postgres.log").read_text(errors="replace")
            self._end_process()
            if "Address already in use" not in said or not attempts_left:
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not start; {self.state / 'postgres.log'} ends:\n{said[-2000:]}"
                )

    def _became_ready(self, process: subprocess.Popen[bytes]) -> bool:
        def settled() -> bool:
            postmaster = Postmaster.of(self.data)
            return process.poll() is not None or (postmaster is not None and postmaster.ready)

        return _until(settled, START_SECONDS) and process.poll() is None


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents; whatever the umask, the server's user can enter what root made."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            missing.chmod(0o755)


def _stop(send: Callable[[signal.Signals], None], ended: Callable[[float], bool]) -> None:
    """Fast shutdown, then immediate shutdown, then kill."""
    for kind in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        send(kind)
        if ended(STOP_SECONDS):
            return
    raise EmbeddedPostgresError("the PostgreSQL server does not end")


def _exited(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
        handle.write(text)
