"""Builds the application: settings in, routes and middleware out. The one file that knows all the parts."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2
import structlog
import uvicorn
from asyncpg import InterfaceError, InternalClientError, PostgresError
from joserfc.jwk import ECKey
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from accord.access.principal import Client, Identity
from accord.database import versions
from accord.database.connections import borrowed
from accord.database.embedded import default_state
from accord.database.engine import Busy, Database, TimedOut, Transaction
from accord.database.pooling import is_pooled_by_transaction
from accord.database.pulse import Pulse
from accord.database.queries import safety
from accord.database.queries.read.demo import list_people
from accord.delivery import worker
from accord.delivery.worker import Delivery
from accord.http.authentication import Authenticator
from accord.http.console import ConsoleRoutes
from accord.http.documents import Admission, Documents
from accord.http.edge import edge
from accord.http.exports import ExportRoutes
from accord.http.failures import Failures
from accord.http.graphql import GraphQLEndpoint
from accord.http.health import HealthRoutes
from accord.http.identity.arrivals import Arrivals
from accord.http.identity.client_tokens import ClientTokens
from accord.http.identity.clients import ApiClients, ClientRoutes
from accord.http.identity.cookies import BrowserCookies
from accord.http.identity.development import STAFF, DevelopmentIssuer, DevelopmentRoutes
from accord.http.identity.keyfile import read_key, signing_key
from accord.http.identity.keys import FetchedKeys
from accord.http.identity.origins import Origins
from accord.http.identity.provider import Provider
from accord.http.identity.signin import SignInRoutes
from accord.http.identity.tokens import TokenChecker, TrustedIssuer
from accord.http.places import Places
from accord.http.protocol import allow_connections, protocol_waiting
from accord.http.rates import Rates
from accord.http.responses import busy
from accord.http.scim.routes import ScimRoutes
from accord.http.tickets import TicketRoutes, TicketSigner
from accord.schema.context import Context, Keyed, Support
from accord.schema.schema import EXECUTORS, RULES, build_schema
from accord.services.expiry import sweep
from accord.services.grants.ticket import redeem_ticket
from accord.services.retry import Seal
from accord.settings import Settings

log = structlog.stdlib.get_logger("accord")

TICKET_KEY_FILE: Final = "tickets.json"
NOBODY: Final = Identity("", "", None, False, None, False, "", datetime.max.replace(tzinfo=UTC), Client())
"""Who redeems a ticket, or is not signed in yet: no person, with no rights but what the secret shown gives."""


UNUSABLE: Final = (OSError, SQLAlchemyError, PostgresError, InterfaceError, InternalClientError, Busy, TimedOut)
"""What it looks like when a database can't be reached, or a URL can't be read."""

TRANSACTION_POOLING: Final = (
    "DATABASE_URL leads to a pooler that gives a connection to others after each transaction;"
    " it has to keep one for a session (in PgBouncer `pool_mode = session`)"
)


class UnsafeDatabase(RuntimeError):
    """The gateway must not serve this database; the message says why."""


class Gateway:
    """Everything that lives as long as the process. Opened and closed by the application's lifespan."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.state = settings.state or default_state()
        self.database = open_database(settings, "database_url")
        self.worker_database = open_database(settings, "worker_url", pool_size=5) if settings.worker_url else None
        self.url = url_of(settings, "database_url")
        self.pulse = Pulse(self.url, self.database.server_clock)
        self.health = HealthRoutes(self.pulse.ask, versions.known())
        self.watching: asyncio.Task[None] | None = None
        self.client = httpx2.AsyncClient(timeout=5.0)
        self.places = Places(settings.location_database)
        self.development = DevelopmentIssuer(settings.public_url, self.state) if settings.in_development else None
        self.staff = settings.staff or ({(self.development.name, STAFF)} if self.development else frozenset())
        self.checker, arrivals = TokenChecker(self.trusted()), Arrivals(self.database)
        self.origins = Origins(settings.public_url, settings.cors_origins)
        issuers = {name: trusted.issuer for name, trusted in self.checker.trusted.items()}
        self.providers = {
            name: Provider(issuer, issuer.client, self.client)
            for name, issuer in issuers.items()
            if issuer.client is not None
        }
        key = ticket_key(settings, self.state)
        self.tickets = TicketSigner(key, settings.public_url, self.database.clock)
        self.seal = Seal(key.as_der(private=True))
        self.rates = Rates(self.database, settings.rates())
        tokens = ClientTokens(key, settings.public_url, self.database.clock)
        self.failures = Failures(self.database, settings.guesses_per_minute)
        self.clients = ApiClients(self.database, tokens, self.failures)
        cookies = BrowserCookies(self.database, self.origins, issuers, self.failures)
        self.authenticator = Authenticator(self.checker, self.staff, self.places, arrivals.note, cookies, self.clients)

    def trusted(self) -> Mapping[str, TrustedIssuer]:
        issuers = [entry.trusted() for entry in self.settings.issuers]
        trusted = {issuer.name: TrustedIssuer(issuer, FetchedKeys(issuer, self.client)) for issuer in issuers}
        if self.development is not None:
            trusted[self.development.name] = self.development.trusted()
        return trusted

    def routes(self) -> list[BaseRoute]:
        settings = self.settings
        routes: list[BaseRoute] = [
            Route("/graphql", self.graphql()),
            *self.health.routes(),
            *ClientRoutes(self.clients, self.authenticator.client_identity, self.rates).routes(),
            *TicketRoutes(self.tickets, self.redeem, self.failures).routes(),
            *self.sign_in().routes(),
            *self.scim().routes(),
            *ExportRoutes(self.database, self.authenticator, self.rates, settings.export_rows).routes(),
        ]
        if self.development is not None:
            routes += DevelopmentRoutes(self.development, self.people).routes()
        if settings.shows_graphiql:
            routes += ConsoleRoutes().routes()
        return routes

    def sign_in(self) -> SignInRoutes:
        settings = self.settings
        return SignInRoutes(
            self.providers,
            self.checker,
            self.authenticator.identity,
            self.write,
            self.origins,
            settings.public_url,
            self.failures,
            settings.sign_ins_per_minute,
        )

    async def write(self, identity: Identity | None, act: Callable[[Transaction], Awaitable[Any]]) -> Any:
        """One act of somebody who signs in or out; raises 503 BUSY when the database can't be asked."""
        try:
            return await self.database.write(identity or NOBODY, None, act)
        except (Busy, TimedOut, OSError):
            raise busy() from None

    def scim(self) -> ScimRoutes:
        settings = self.settings
        limits, url = settings.scim_body_limits(), settings.public_url
        client, timeout = self.authenticator.client, settings.request_timeout
        return ScimRoutes(
            self.database, client, url, rates=self.rates, failures=self.failures, limits=limits, timeout=timeout
        )

    def graphql(self) -> GraphQLEndpoint:
        settings = self.settings
        admissions: list[Documents] = []
        schema = build_schema([lambda: Admission(admissions[0])], EXECUTORS[settings.executor])
        admissions.append(Documents(schema._schema, settings.limits(), settings.may_introspect, RULES))
        return GraphQLEndpoint(
            schema,
            admissions[0],
            self.authenticator,
            self.context,
            body_limits=settings.body_limits(),
            timeout=settings.request_timeout,
            reads_by_get=settings.reads_by_get,
            answer_size=settings.answer_size,
            rates=self.rates,
        )

    def context(self, identity: Identity, session: UUID | None = None, key: str | None = None) -> Context:
        settings = self.settings
        support = Support(settings.support_name, settings.support_email, settings.support_url)
        return Context(
            self.database,
            identity,
            support,
            self.tickets,
            session,
            support_by_default=settings.support_by_default,
            clients_of_person=settings.api_clients_of_person,
            keyed=Keyed(key, self.seal) if key is not None else None,
        )

    async def redeem(self, ticket_id: UUID) -> Mapping[str, Any]:
        redeemed = await self.database.write(NOBODY, None, partial(redeem_ticket, jti=ticket_id))
        return asdict(redeemed)

    async def people(self) -> list[dict[str, Any]]:
        """Whom the picker offers: the people of the database, and the platform's staff."""
        people = await list_people(self.worker_database) if self.worker_database else []
        ours = sorted(subject for issuer, subject in self.staff if self.development and issuer == self.development.name)
        role = {"organisation": "the platform", "roles": ["OPERATOR"]}
        return people + [{"email": subject, "name": "Staff", **role} for subject in ours]

    async def stop_watching(self) -> None:
        if self.watching is not None:
            self.watching.cancel()
            await asyncio.wait({self.watching})

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.callback(self.places.close)
            stack.push_async_callback(self.client.aclose)
            stack.push_async_callback(self.database.close)
            stack.push_async_callback(self.rates.close)
            stack.push_async_callback(self.pulse.close)
            await refuse_dangers(self.database, self.url)
            stack.push_async_callback(self.stop_watching)
            self.watching = asyncio.create_task(self.health.watch())
            if self.worker_database is not None:
                stack.push_async_callback(self.worker_database.close)
                if self.settings.worker_inside:
                    await stack.enter_async_context(working(self.settings, self.worker_database))
            yield


async def refuse_dangers(database: Database, url: str) -> None:
    """Raises UnsafeDatabase for a database that can't be reached, or that must not be served with this role or through
    this pooler."""
    try:
        pooled = await is_pooled_by_transaction(url)
        if pooled:
            raise UnsafeDatabase(TRANSACTION_POOLING)
        async with borrowed(database.engine) as connection:
            dangers = await safety.list_dangers(connection)
    except UNUSABLE as error:
        raise UnsafeDatabase(f"the database of DATABASE_URL can't be used ({reason_of(error)})") from None
    if dangers:
        raise UnsafeDatabase("; ".join(dangers))


def create_app(settings: Settings) -> Starlette:
    """The whole gateway as one ASGI application; DATABASE_URL must be set."""
    gateway = Gateway(settings)
    app = edge(
        gateway.routes(),
        cors_origins=settings.cors_origins,
        body_timeout=settings.body_timeout,
        body_grace=settings.body_grace,
        body_rate=settings.body_rate,
        in_flight=settings.in_flight,
        trusted_proxies=settings.trusted_proxies,
        alone=settings.in_development,
        strangers=settings.in_flight_of_strangers,
        refusals=settings.refusals_per_second,
        stranger_body_size=settings.stranger_body_size,
        pace=settings.pace(),
        secure=settings.public_url.startswith("https://"),
        lifespan=gateway.lifespan,
    )
    app.state.gateway = gateway
    return app


def server_config(settings: Settings, app: Starlette) -> uvicorn.Config:
    """How uvicorn serves the gateway, its limits for connections among them."""
    return uvicorn.Config(
        app,
        port=settings.port,
        http=protocol_waiting(settings.header_timeout, allow_connections(settings.connections)),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive_timeout,
        timeout_graceful_shutdown=settings.shutdown_grace,
        lifespan="on",
    )


def open_database(settings: Settings, name: str, **given: Any) -> Database:
    """The pool of one of the three roles."""
    url = url_of(settings, name)
    limits: dict[str, Any] = {
        "pool_size": settings.pool_size,
        "pool_wait": settings.pool_wait,
        "statement_timeout": settings.statement_timeout,
        "lock_timeout": settings.lock_timeout,
        "idle_timeout": settings.idle_timeout,
        "mails_per_day": settings.mails_per_day(),
        "mails_per_hour": settings.mails_per_hour,
    }
    return Database(url, **{**limits, **given})


def url_of(settings: Settings, name: str) -> str:
    """The URL of one of the three roles; UnsafeDatabase where it is not set."""
    url = getattr(settings, name)
    if url is None:
        raise UnsafeDatabase(f"{name.upper()} is not set")
    found: str = url.get_secret_value()
    return found


def reason_of(error: BaseException) -> str:
    """Why the database could not be used, in one line; the driver's other errors may quote a URL with its password."""
    cause = getattr(getattr(error, "orig", None), "__cause__", None) or error
    said = str(cause).partition("\n")[0] if isinstance(cause, PostgresError) else ""
    return f"{type(cause).__name__}: {said}" if said else type(cause).__name__


def ticket_key(settings: Settings, state: Path) -> ECKey:
    """The key from the settings, or one kept in the state folder."""
    given = settings.ticket_key
    return read_key(given.get_secret_value(), ECKey) if given else signing_key(state / TICKET_KEY_FILE, ECKey)


@asynccontextmanager
async def working(settings: Settings, database: Database) -> AsyncIterator[None]:
    """A worker beside whatever runs inside; it finishes its mail before the end."""
    stop = asyncio.Event()
    delivery = Delivery(settings.public_url, settings.smtp(), retention=settings.retention())
    task = asyncio.create_task(worker.run(database, delivery, stop, sweep))
    try:
        yield
    finally:
        stop.set()
        await task


def configure_logging(level: str) -> None:
    """JSON, one object a line, to standard error; also what libraries log."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    finish: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=finish, foreign_pre_chain=shared))
    handler.addFilter(is_worth_a_line)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for noisy in ("httpx2", "httpcore2", "pgqueuer", "uvicorn.error", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """The driver's noise about connects that were cancelled is not."""
    return not (record.name == "asyncio" and "connection_lost" in record.getMessage())
