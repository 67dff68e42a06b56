"""The environment, read once into one frozen object. Every name has the prefix ACCORD_.

Lists are separated by commas, except ISSUERS, which is JSON.

Secrets are wrapped, so that printing or logging the settings does not show them. A combination that is not safe refuses
to start and says why.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from accord.database.queries.callers.allowance import RateLimits
from accord.delivery.retention import Retention
from accord.delivery.smtp import Encryption, Smtp
from accord.domain.callers.api_client import CLIENTS
from accord.domain.mail_budget import DEFAULT_PER_DAY, DEFAULT_PER_HOUR, MOST_PER_DAY, MailBudget
from accord.http.body import BodyLimits
from accord.http.exchange import Pace
from accord.http.identity.issuers import Binding, Client, Issuer
from accord.http.limits import Limits

Seconds = Annotated[float, Field(gt=0, le=3600)]
Count = Annotated[int, Field(gt=0)]
MailsPerDay = Annotated[int, Field(gt=0, le=MOST_PER_DAY)]
Days = Annotated[int, Field(ge=0, le=36_500)]
"""How many days something is kept; 0 is for ever."""
DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]{2,}")
Words = Annotated[tuple[str, ...], NoDecode]
OF_ORGANISATION: Final = 0.8
OF_PERSON: Final = 0.4
"""How much of a gateway's pool the requests of one organisation and of one person may hold, unless it is said."""

BYTES_PER_VALUE: Final = 16
"""Of a body of a directory: its smallest members have about three times as many."""

LEASE: Final = 20.0
"""Seconds beyond the longest operation after which a request is over that nobody ended."""


class BindingSettings(BaseModel):
    """An organisation for whose people an issuer speaks: by the domains of their addresses, or by a claim's values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    handle: str
    domains: tuple[str, ...] = ()
    claim: str | None = None
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.claim is None) != (not self.values) or bool(self.domains) == (self.claim is not None):
            raise ValueError(f"{self.handle}: an organisation is bound by `domains`, or by `claim` and `values`")
        if not all(DOMAIN.fullmatch(domain) for domain in self.domains):
            raise ValueError(f"{self.handle}: domains are written out, in lower case, as company.example")
        return self

    @property
    def words(self) -> frozenset[tuple[str, str]]:
        """What binds somebody: pairs of a claim and its value."""
        return frozenset((self.claim or "email", word) for word in self.domains or self.values)

    def bound(self) -> Binding:
        return Binding(self.handle, frozenset(self.domains), self.claim, frozenset(self.values))


class IssuerSettings(BaseModel):
    """An OpenID issuer that may sign tokens. `jwks_uri` skips discovery.

    With `client_id` people sign in there with a browser. `organisations`: for whose people it speaks, nobody's without
    any; with `provision` their first sign-in makes them members.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    issuer: str
    audience: str
    algorithms: tuple[Literal["RS256", "ES256", "EdDSA", "Ed25519"], ...] = ("RS256",)
    jwks_uri: str | None = None
    mfa_acr: tuple[str, ...] = ()
    label: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    organisations: tuple[BindingSettings, ...] = ()
    provision: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError(f"{self.issuer}: `scopes` must hold openid")
        if self.client_secret is not None and self.client_id is None:
            raise ValueError(f"{self.issuer}: `client_secret` needs `client_id`")
        if self.provision and not self.organisations:
            raise ValueError(f"{self.issuer}: `provision` needs `organisations`, for whose people the issuer speaks")
        bound = [word for binding in self.organisations for word in binding.words]
        if len(bound) != len(set(bound)):
            raise ValueError(f"{self.issuer}: a domain or value is bound to one organisation")
        return self

    @model_validator(mode="after")
    def _safe(self) -> Self:
        for address in filter(None, (self.issuer, self.jwks_uri)):
            parts = urlsplit(address)
            if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
                raise ValueError(f"{address} must be an https address")
        return self

    def trusted(self) -> Issuer:
        return Issuer(
            self.issuer,
            self.audience,
            self.algorithms,
            self.jwks_uri,
            self.mfa_acr,
            label=self.label or urlsplit(self.issuer).hostname or self.issuer,
            client=self.client(),
            bindings=tuple(binding.bound() for binding in self.organisations),
            provisions=self.provision,
        )

    def client(self) -> Client | None:
        secret = self.client_secret.get_secret_value() if self.client_secret else None
        return None if self.client_id is None else Client(self.client_id, secret, self.scopes)


class Settings(BaseSettings):
    """What a deployment decides. Times in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="ACCORD_", frozen=True, extra="ignore", hide_input_in_errors=True)

    environment: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    public_url: str = Field(default_factory=lambda given: f"http://{given.get('host')}:{given.get('port')}")
    cors_origins: Words = ()
    trusted_proxies: Words = ()
    state: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    database_url: SecretStr | None = None
    development_on_database_url: bool = False
    owner_url: SecretStr | None = None
    worker_url: SecretStr | None = None
    pool_size: Annotated[int, Field(ge=3)] = 20
    pool_wait: Seconds = 2.0
    statement_timeout: Seconds = 5.0
    lock_timeout: Seconds = 2.0
    idle_timeout: Seconds = 10.0
    database_wait: Annotated[float, Field(ge=0, le=3600)] = 30.0
    migrate_wait: Annotated[float, Field(ge=0, le=3600)] = 120.0

    issuers: tuple[IssuerSettings, ...] = ()
    operators: Words = ()
    ticket_key: SecretStr | None = None

    smtp_host: str | None = None
    smtp_port: Annotated[int, Field(gt=0, le=65535)] = 587
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_encryption: Encryption | None = None
    mail_from: str = "no-reply@accord.example"
    mail_from_name: str = "Accord"
    worker_inside: bool = True
    mail_retention: Days = 90
    notification_retention: Days = 365
    person_retention: Days = 0

    partner_mails_per_day: MailsPerDay = DEFAULT_PER_DAY[MailBudget.PARTNERS]
    member_mails_per_day: MailsPerDay = DEFAULT_PER_DAY[MailBudget.MEMBERS]
    acting_mails_per_day: MailsPerDay = DEFAULT_PER_DAY[MailBudget.ACTING]
    mails_per_hour: MailsPerDay = DEFAULT_PER_HOUR

    support_name: str = "Accord support"
    support_email: str = "support@accord.example"
    support_url: str | None = None
    support_by_default: bool = False
    location_database: Path | None = None
    demo: bool | None = None

    introspection: bool | None = None
    graphiql: bool | None = None
    reads_by_get: bool = False
    executor: Literal["engine", "stock"] = "engine"

    body_size: Count = 256 * 1024
    scim_body_size: Count = 16 * 1024 * 1024
    stranger_body_size: Count = 8 * 1024
    answer_size: Count = 8 * 1024 * 1024
    answers_waiting: Count = 64 * 1024 * 1024
    json_nesting: Count = 32
    number_digits: Count = 64
    json_values: Count = 10_000
    source_size: Count = 32 * 1024
    tokens: Count = 2_000
    comments: Count = 100
    fragments: Count = 50
    depth: Count = 15
    aliases: Count = 30
    root_fields: Count = 20
    root_mutations: Count = 10
    cost: Count = 5_000
    nodes: Count = 10_000
    page: Annotated[int, Field(gt=0, le=100)] = 100
    in_flight: Count = 200
    in_flight_of_strangers: Annotated[int, Field(ge=8)] = 64
    refusals_per_second: Count = 20
    in_flight_of_organisation: Count = Field(default_factory=lambda given: share_of_pool(given, OF_ORGANISATION))
    in_flight_of_person: Count = Field(default_factory=lambda given: share_of_pool(given, OF_PERSON))
    exports_of_person: Count = 2
    exports_of_organisation: Count = 8
    points_per_minute: Count = 2_000
    points_per_hour: Count = 5_000
    guesses_per_minute: Count = 30
    sign_ins_per_minute: Count = 600
    api_clients_of_person: Count = CLIENTS
    export_rows: Count = 1_000_000
    request_timeout: Seconds = 10.0
    header_timeout: Seconds = 10.0
    body_timeout: Seconds = 15.0
    body_grace: Seconds = 5.0
    body_rate: Count = 8 * 1024
    reader_timeout: Seconds = 15.0
    reader_rate: Count = 8 * 1024
    connections: Annotated[int, Field(ge=100)] = 4_000
    keep_alive_timeout: Annotated[int, Field(gt=0, le=3600)] = 5
    shutdown_grace: Annotated[int, Field(ge=0, le=600)] = 20

    @field_validator("cors_origins", "trusted_proxies", "operators", mode="before")
    @classmethod
    def _by_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(word for word in (part.strip() for part in value.split(",")) if word)
        return value

    @field_validator("public_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("PUBLIC_URL must be an http(s) address")
        return value.rstrip("/")

    @field_validator("operators")
    @classmethod
    def _issuer_and_subject(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(entry.split(" ")) != 2 for entry in value):
            raise ValueError('each of OPERATORS is "issuer subject"')
        return value

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if any("*" in origin for origin in self.cors_origins):
            raise ValueError("CORS_ORIGINS must name its origins: a wildcard can't go with credentials")
        names = [entry.issuer for entry in self.issuers]
        if len(names) != len(set(names)):
            raise ValueError("an issuer is named once in ISSUERS")
        if not self.in_flight_of_person <= self.in_flight_of_organisation < self.pool_size:
            raise ValueError(
                "IN_FLIGHT_OF_PERSON, at most IN_FLIGHT_OF_ORGANISATION, must be below POOL_SIZE: each request may hold"
                " a connection, and nobody may hold all of them"
            )
        if not self.in_development:
            self._refuse_unfinished()
        elif not is_loopback(self.host) or not is_loopback(urlsplit(self.public_url).hostname or ""):
            raise ValueError(
                "the development issuer signs in anybody, so HOST and PUBLIC_URL must be loopback addresses;"
                " set ENVIRONMENT=production to serve others"
            )
        return self

    def _refuse_unfinished(self) -> None:
        missing = [name for name in ("database_url", "issuers") if not getattr(self, name)]
        if missing:
            raise ValueError(f"in production these must be set: {', '.join(name.upper() for name in missing)}")
        if self.demo:
            raise ValueError("the demo world is for development")

    @property
    def in_development(self) -> bool:
        return self.environment == "development"

    @property
    def may_introspect(self) -> bool:
        return self.in_development if self.introspection is None else self.introspection

    @property
    def shows_graphiql(self) -> bool:
        return self.in_development if self.graphiql is None else self.graphiql

    @property
    def staff(self) -> frozenset[tuple[str, str]]:
        pairs = (entry.split(" ") for entry in self.operators)
        return frozenset((issuer, subject) for issuer, subject in pairs)

    def smtp(self) -> Smtp | None:
        """The mail server, None without one. TLS is the default for a server that is not on this machine."""
        if self.smtp_host is None:
            return None
        unsaid = Encryption.NONE if is_loopback(self.smtp_host) else Encryption.STARTTLS
        return Smtp(
            host=self.smtp_host,
            sender=self.mail_from,
            port=self.smtp_port,
            username=self.smtp_username,
            password=self.smtp_password.get_secret_value() if self.smtp_password else None,
            encryption=self.smtp_encryption or unsaid,
            sender_name=self.mail_from_name,
        )

    def mails_per_day(self) -> dict[MailBudget, int]:
        """The budgets of mail of every organisation for which the operator has set none."""
        return {
            MailBudget.PARTNERS: self.partner_mails_per_day,
            MailBudget.MEMBERS: self.member_mails_per_day,
            MailBudget.ACTING: self.acting_mails_per_day,
        }

    def retention(self) -> Retention:
        kept = (self.mail_retention, self.notification_retention, self.person_retention)
        return Retention(*(timedelta(days=days) if days else None for days in kept))

    def limits(self) -> Limits:
        return Limits(
            source=self.source_size,
            tokens=self.tokens,
            comments=self.comments,
            fragments=self.fragments,
            depth=self.depth,
            aliases=self.aliases,
            root_fields=self.root_fields,
            root_mutations=self.root_mutations,
            cost=self.cost,
            nodes=self.nodes,
            page=self.page,
        )

    def rates(self) -> RateLimits:
        return RateLimits(
            per_minute=self.points_per_minute,
            per_hour=self.points_per_hour,
            guesses=self.guesses_per_minute,
            of_person=self.in_flight_of_person,
            of_organisation=self.in_flight_of_organisation,
            exports_of_person=self.exports_of_person,
            exports_of_organisation=self.exports_of_organisation,
            lease=self.request_timeout + LEASE,
        )

    def pace(self) -> Pace:
        return Pace(seconds=self.reader_timeout, rate=self.reader_rate, waiting=self.answers_waiting)

    def body_limits(self) -> BodyLimits:
        return BodyLimits(
            size=self.body_size, nesting=self.json_nesting, digits=self.number_digits, values=self.json_values
        )

    def scim_body_limits(self) -> BodyLimits:
        """What a directory may send: as many values as fit, since a group names all of its people."""
        size = self.scim_body_size
        return replace(self.body_limits(), size=size, values=max(self.json_values, size // BYTES_PER_VALUE))


def share_of_pool(given: dict[str, Any], part: float) -> int:
    """So much of the pool's connections, at least one."""
    return max(1, int(given.get("pool_size", 0) * part))


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
