"""`accord serve | migrate | schema | demo | worker | mail | audit | token`."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn
from uuid import UUID

import typer
import uvicorn
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError
from uvicorn.loops.auto import auto_loop_factory

from accord import demo
from accord.app import (
    UNUSABLE,
    UnsafeDatabase,
    configure_logging,
    create_app,
    open_database,
    reason_of,
    server_config,
    working,
)
from accord.database import audit
from accord.database.binaries import EmbeddedPostgresError
from accord.database.embedded import EmbeddedPostgres, default_state
from accord.database.engine import Database
from accord.database.queries.read.demo import is_empty
from accord.delivery.bounce import bounce_of
from accord.delivery.mailbox import list_mails, requeue
from accord.domain.notice import Template
from accord.http.identity.development import DevelopmentIssuer
from accord.schema.schema import print_schema
from accord.services.activity import prepare_user_agents
from accord.settings import Settings
from accord.starting import load_aloud, migrate_once_there, prepare, whole

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
audit_app = typer.Typer(no_args_is_help=True, help="Check what must not change.")
app.add_typer(audit_app, name="audit")

REVIVAL = 1.0
COULD_NOT = 2  # the exit status where nothing could be verified; 1 is for chains that do not hold


def warn_of_old_python() -> None:
    """Older ones let a line break through in the headers of a mail."""
    floor = {11: 15, 12: 13, 13: 12}.get(sys.version_info.minor, 0)
    if sys.version_info.micro < floor:
        have, want = sys.version.split()[0], f"3.{sys.version_info.minor}.{floor}"
        typer.echo(f"accord: CPython {have} has known faults in mail headers; use {want} or later", err=True)


def fail(message: str, status: int = 1) -> NoReturn:
    typer.echo(f"accord: {message}", err=True)
    raise typer.Exit(status)


def read_settings(**given: Any) -> Settings:
    """The settings, with what the command line says on top; a mistake in them ends the program with one line each."""
    try:
        settings = Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        for item in error.errors():
            name = "_".join(("ACCORD", *map(str, item["loc"]))).upper() if item["loc"] else "settings"
            typer.echo(f"accord: {name}: {item['msg']}", err=True)
        raise typer.Exit(2) from None
    except SettingsError as error:
        typer.echo(f"accord: settings: {error}", err=True)
        raise typer.Exit(2) from None
    configure_logging(settings.log_level)
    return settings


@contextlib.contextmanager
def database(settings: Settings, *, launch: bool = False) -> Iterator[tuple[Settings, EmbeddedPostgres | None]]:
    """Settings with the URLs of a running database: those given, or those of the PostgreSQL that comes with us."""
    if settings.database_url is not None or settings.owner_url is not None:
        yield settings, None
        return
    embedded = EmbeddedPostgres(settings.state or default_state())
    try:
        server = embedded.start() if launch else embedded.attach_or_start()
    except EmbeddedPostgresError as error:
        fail(str(error))
    with server:
        names = {"database_url": "gateway", "owner_url": "owner", "worker_url": "worker"}
        urls = {name: SecretStr(server.url(role)) for name, role in names.items()}
        yield settings.model_copy(update=urls), server


def owner_of(settings: Settings, status: int = 1) -> str:
    if settings.owner_url is None:
        fail("ACCORD_OWNER_URL is not set", status)
    return settings.owner_url.get_secret_value()


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """What keeps a command from its database ends it with one line."""
    try:
        yield
    except UnsafeDatabase as error:
        fail(str(error))
    except UNUSABLE as error:
        fail(f"the database can't be used ({reason_of(error)})")


COLLECT_WHILE_SERVING: Final = 10_000
"""Objects made before a collection is tried while requests are served."""


class Announcing(uvicorn.Server):
    """Says that it is ready once it listens."""

    def __init__(self, config: uvicorn.Config, settings: Settings, people: list[dict[str, Any]]) -> None:
        super().__init__(config)
        self.settings = settings
        self.people = people

    async def startup(self, sockets: list[Any] | None = None) -> None:
        # a tenth of a second, which the first request that writes an event would else take from everybody
        threading.Thread(target=prepare_user_agents, daemon=True).start()
        await super().startup(sockets)
        if self.started:
            rest_collector()
            for line in announcement(self.settings, self.people):
                typer.echo(line)
            sys.stdout.flush()


def rest_collector() -> None:
    """What start-up made stays, so the collector need not look at it, nor in the middle of every answer.

    From here on it comes earlier, since all others wait while it looks at what was made: some 8 ms for so many objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_WHILE_SERVING, 50, 50)


def introduced(people: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Whom to be first, and who that is: the demo world's where it is loaded, else the first."""
    known = {person["email"] for person in people}
    if all(email in known for email, _ in demo.WELCOME):
        return list(demo.WELCOME)
    return [
        (person["email"], f"{person['name']}, {spoken(person['roles'])} at {person['organisation']}")
        for person in people[:8]
    ]


def spoken(roles: list[str]) -> str:
    return ", ".join(str(role).replace("_", " ").lower() for role in roles)


def announcement(settings: Settings, people: list[dict[str, Any]]) -> list[str]:
    lines = [f"Accord is ready at {settings.public_url}"]
    if settings.shows_graphiql:
        lines.append(f"  open     {settings.public_url}/  (pick a person; GraphiQL opens signed in)")
    first = introduced(people)
    lines += [f"  sign in  {email:<34} {who}" for email, who in first]
    if len(people) > len(first):
        lines.append(f"           and {len(people) - len(first)} more on the page")
    if settings.in_development:
        lines.append("  token    accord token --as " + (people[0]["email"] if people else "someone@example"))
    lines.append("  stop     Ctrl+C")
    return lines


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    demo_world: Annotated[bool | None, typer.Option("--demo/--no-demo", help="Load the demo world when empty.")] = None,
) -> None:
    """Serve the API, with the worker inside; without DATABASE_URL with a PostgreSQL of its own."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    warn_of_old_python()
    settings = read_settings(host=host, port=port, demo=demo_world)
    with bound(settings) as listener, database(settings, launch=True) as (ready, embedded):
        try:
            refuse_open_door(ready, embedded is not None)
            people = asyncio.run(prepare(ready, embedded is not None))
            with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
                runner.run(run_server(ready, listener, embedded, people))
        except UnsafeDatabase as error:
            fail(f"refuses to start: {error}")
        except KeyboardInterrupt:
            return


def refuse_open_door(settings: Settings, is_ours: bool) -> None:
    """Raise UnsafeDatabase for a database in which nobody has said that anybody may be anybody."""
    if settings.in_development and not is_ours and not settings.development_on_database_url:
        raise UnsafeDatabase(
            "in development anybody is let in as anybody, also into the database of DATABASE_URL; set"
            " ACCORD_ENVIRONMENT=production to serve it to others, or ACCORD_DEVELOPMENT_ON_DATABASE_URL=true if"
            " nothing in it is worth anything"
        )


def bound(settings: Settings) -> socket.socket:
    """The port, taken before anything is started; nobody can connect until the server listens."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        fail(f"can't listen on {settings.host}, port {settings.port}: {error.strerror}")
    return listener


async def run_server(
    settings: Settings, listener: socket.socket, embedded: EmbeddedPostgres | None, people: list[dict[str, Any]]
) -> None:
    config = server_config(settings, create_app(settings))
    reviving = asyncio.create_task(keep_alive(embedded)) if embedded else None
    try:
        await Announcing(config, settings, people).serve([listener])
    finally:
        if reviving is not None:
            reviving.cancel()


async def keep_alive(embedded: EmbeddedPostgres) -> None:
    """Starts our PostgreSQL again when it has died."""
    while True:
        await asyncio.sleep(REVIVAL)
        await asyncio.to_thread(embedded.revive)


@app.command()
def migrate() -> None:
    """Bring the database of OWNER_URL up to date, its grants and policies too."""
    with database(read_settings()) as (settings, _), refusing():
        asyncio.run(migrate_once_there(settings, owner_of(settings)))
    typer.echo("The database is up to date.")


@app.command()
def schema(
    check: Annotated[bool, typer.Option("--check", help="Compare only; fail when the file is not current.")] = False,
    path: Annotated[Path, typer.Option(help="The file.")] = Path("schema.graphql"),
) -> None:
    """Write the API's schema to a file."""
    text = print_schema()
    if not check:
        path.write_text(text)
    elif not path.is_file() or path.read_text() != text:
        fail(f"{path} is not current; run `make schema` and read the difference")


@app.command("demo")
def load_demo() -> None:
    """Load the demo world into an empty database."""
    with database(read_settings()) as (settings, _), refusing():
        asyncio.run(load_into_empty(settings))


async def load_into_empty(settings: Settings) -> None:
    await whole(settings, owner_of(settings), demo_wanted=True)
    worker = open_database(settings, "worker_url", pool_size=1)
    try:
        if not await is_empty(worker):
            fail("the database is not empty")
    finally:
        await worker.close()
    await load_aloud(settings)
    typer.echo("The demo world is loaded.")


@app.command("worker")
def run_worker() -> None:
    """Deliver mails and write what time brings about, until stopped."""
    settings = read_settings()

    async def work() -> None:
        stop = asyncio.Event()
        for kind in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(kind, stop.set)
        queue = open_database(settings, "worker_url")
        try:
            async with working(settings, queue):
                await stop.wait()
        finally:
            await queue.close()

    with refusing():
        asyncio.run(work())


@app.command()
def mail(
    to: Annotated[str | None, typer.Option(help="Only mails to this address.")] = None,
    state: Annotated[str | None, typer.Option(help="QUEUED, SENT, FAILED or DEAD.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many of the newest.")] = 20,
    html: Annotated[bool, typer.Option("--html", help="Print the HTML part.")] = False,
    again: Annotated[bool, typer.Option("--requeue", help="Send DEAD mails again instead of printing any.")] = False,
    mail_id: Annotated[UUID | None, typer.Option("--id", help="With --requeue: this mail alone.")] = None,
    template: Annotated[Template | None, typer.Option(help="With --requeue: those of this template.")] = None,
    since: Annotated[datetime | None, typer.Option(help="With --requeue: those written since (UTC).")] = None,
) -> None:
    """Read the mails that the platform wrote, or send again what was given up."""

    async def read(settings: Settings, worker: Database) -> None:
        for item in await list_mails(worker, settings.public_url, state=state, address=to, limit=limit):
            reason = f"\nReason: {bounce_of(item.last_error)}: {item.last_error}" if item.last_error else ""
            head = f"{item.created_at:%Y-%m-%d %H:%M:%S}  {item.state}  {item.id}  to {item.recipient}{reason}"
            typer.echo(f"{head}\nSubject: {item.subject}\n")
            typer.echo((item.html if html else item.text) + "\n" + "-" * 72)

    async def send_again(settings: Settings, worker: Database) -> None:
        written = since.replace(tzinfo=UTC) if since is not None else None
        chosen = template.value if template is not None else None
        count, left = await requeue(worker, mail_id=mail_id, template=chosen, since=written)
        typer.echo(f"{count} mails are sent again.")
        if left:
            typer.echo(f"{left} had a link for one use, which is gone: repeat what wrote them.")

    with database(read_settings()) as (settings, _), refusing():
        asyncio.run(with_worker(settings, send_again if again else read))


async def with_worker(settings: Settings, act: Callable[[Settings, Database], Awaitable[None]]) -> None:
    """Do something in the worker's role."""
    worker = open_database(settings, "worker_url", pool_size=1)
    try:
        await act(settings, worker)
    finally:
        await worker.close()


@audit_app.command("verify")
def verify(anchors: Annotated[Path | None, typer.Option(help="A file of heads kept elsewhere.")] = None) -> None:
    """Check every chain of activity, trusting nothing but rows and heads on record; status 1 if one does not hold."""
    with database(read_settings()) as (settings, _):
        try:
            with Path(anchors or os.devnull).open(encoding="utf-8") as lines:
                verdict = asyncio.run(audit.verify_database(owner_of(settings, COULD_NOT), lines, tell_progress))
        except (ValueError, *UNUSABLE) as error:
            fail(f"could not verify: {error}", COULD_NOT)
    for line in (*verdict.faults, verdict):
        typer.echo(str(line))
    if verdict.faults:
        raise typer.Exit(1)


def tell_progress(events: int) -> None:
    typer.echo(f"{events:,} events read …", err=True)


@app.command()
def token(
    email: Annotated[str, typer.Option("--as", help="Who to be: an e-mail address.")],
    name: Annotated[str | None, typer.Option(help="The name in the token.")] = None,
) -> None:
    """Print a token of the development issuer."""
    settings = read_settings()
    if not settings.in_development:
        fail("the development issuer is for development")
    try:
        typer.echo(DevelopmentIssuer(settings.public_url, settings.state or default_state()).token(email, name))
    except ValueError as error:
        fail(f"{email}: {error}")


if __name__ == "__main__":
    app()
