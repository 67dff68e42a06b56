"""How the story is told: people act through the services, at a time of the past that the story names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, TypeVar
from uuid import UUID

from accord.access.principal import Client, Identity
from accord.database.engine import Database
from accord.database.queries.read import demo as look
from accord.demo.cast import COMPANIES, OPERATOR, Actor, Company
from accord.domain.errors import DomainError
from accord.services.expiry import sweep
from accord.services.grants.ticket import sign_in_to_account
from accord.services.operator import create_organisation
from accord.services.people.joining import accept_membership, invite_member

Result = TypeVar("Result")
LONG_AFTER = timedelta(days=3650)


class Unsigned:
    """The tickets of the story are over a minute later and go nowhere, so nobody signs them."""

    def sign(self, **_: object) -> str:
        return ""


UNSIGNED = Unsigned()


class Clock:
    """Tells the time that the story has reached."""

    def __init__(self, today: datetime) -> None:
        self.today = today
        self.now = today

    def __call__(self) -> datetime:
        return self.now

    def instant(self, days_ago: int, hour: str) -> datetime:
        """`hour` ("09:30", UTC) of the day that is so many days before today."""
        at = time.fromisoformat(hour)
        return self.today.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0) - timedelta(days=days_ago)


@dataclass(slots=True)
class Habit:
    """Somebody signs in to an account again and again; `next_at` is when that happens next."""

    person: str
    account: str
    every: timedelta
    next_at: datetime


@dataclass(slots=True)
class Stage:
    """The world while it is made. What has been made is found by the keys of the cast."""

    gateway: Database
    worker: Database
    clock: Clock
    issuer: str
    organisations: dict[str, UUID] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)
    accounts: dict[str, UUID] = field(default_factory=dict)
    partnerships: dict[str, UUID] = field(default_factory=dict)
    shares: dict[str, UUID] = field(default_factory=dict)
    items: dict[str, UUID] = field(default_factory=dict)
    grants: dict[str, UUID | None] = field(default_factory=dict)
    terms: UUID | None = None
    habits: list[Habit] = field(default_factory=list)

    async def at(self, days_ago: int, hour: str) -> None:
        """Go on to this time; what people do by habit and what time brings about happens on the way."""
        then = self.clock.instant(days_ago, hour)
        if then < self.clock.now and self.organisations:
            raise ValueError(f"the story goes back in time at {days_ago} days, {hour}")
        await self._pass_until(then)
        self.clock.now = then

    async def _pass_until(self, then: datetime) -> None:
        while self.habits:
            habit = min(self.habits, key=lambda entry: entry.next_at)
            if habit.next_at >= then:
                return
            self.clock.now = habit.next_at
            habit.next_at += habit.every
            await self.does(habit.person, sign_in_to_account, account_id=self.accounts[habit.account], signer=UNSIGNED)

    def begin(self, person: str, account: str, *, every_days: int, hour: str) -> None:
        """From the next day on this person signs in to this account regularly."""
        first = self.clock.instant(0, hour)
        while first <= self.clock.now + timedelta(hours=12):
            first += timedelta(days=1)
        while first > self.clock.now + timedelta(hours=36):
            first -= timedelta(days=1)
        self.habits.append(Habit(person, account, timedelta(days=every_days), first))

    def stop(self, person: str, *accounts: str) -> None:
        """No longer: with the accounts named, or with none of them any more."""
        self.habits = [
            habit for habit in self.habits if habit.person != person or (accounts and habit.account not in accounts)
        ]

    async def does(self, person: str, act: Callable[..., Awaitable[Result]], **given: Any) -> Result:
        """This person acts in the name of the own organisation."""
        organisation_id = self.organisations[self.homes[person]]
        identity = self.identities[person]
        return await self.gateway.write(
            identity, organisation_id, lambda tx: act(tx, organisation_id=organisation_id, **given)
        )

    async def acts(self, person: str, act: Callable[..., Awaitable[Result]], **given: Any) -> Result:
        """This person does something on themselves, in nobody's name."""
        return await self.gateway.write(self.identities[person], None, lambda tx: act(tx, **given))

    async def does_there(
        self, person: str, session: UUID, act: Callable[..., Awaitable[Result]], customer: str, **given: Any
    ) -> Result:
        """This person acts in a customer's organisation, in a session."""
        host = self.organisations[customer]
        identity = self.identities[person]
        return await self.gateway.write(identity, host, lambda tx: act(tx, organisation_id=host, **given), session)

    async def answers(
        self, person: str, act: Callable[..., Awaitable[Result]], partnership: str, **given: Any
    ) -> Result:
        """As `does`, about a partnership as it stands now."""
        key = self.partnerships[partnership]
        version = await look.get_version(self.worker, key)
        return await self.does(person, act, partnership_id=key, expected_version=version, **given)

    async def operates(self, act: Callable[..., Awaitable[Result]], **given: Any) -> Result:
        """The platform's staff acts."""
        return await self.gateway.write(self._operator(), None, lambda tx: act(tx, **given))

    async def time_passes(self) -> None:
        """What is due by now lapses and expires."""
        await sweep(self.worker, self.clock.now)

    async def found(self, company: Company) -> None:
        """The operator creates an organisation and its first person comes in."""
        first = company.people[0]
        self.organisations[company.key] = await self.operates(
            create_organisation,
            name=company.name,
            country_code=company.country,
            admin_email=address(first, company),
            admin_display_name=first.name,
            partners_enabled=company.partners_enabled,
            created_for_organisation_id=self.organisations[company.created_for] if company.created_for else None,
        )
        await self._enter(first, company)

    async def hire(self, company: Company, person: Actor) -> None:
        """The first person of an organisation invites another, who comes in."""
        await self.does(
            company.people[0].first,
            invite_member,
            email=address(person, company),
            display_name=person.name,
            roles=person.roles,
            delegated_admin=False,
        )
        await self._enter(person, company)

    async def _enter(self, person: Actor, company: Company) -> None:
        identity = self._identity(person, company)
        token = await look.get_secret(self.worker, address(person, company))
        await self.gateway.write(identity, None, lambda tx: accept_membership(tx, token=token))
        self.identities[person.first] = identity
        self.homes[person.first] = company.key
        self.people[person.first] = (await self._membership(person, company)).user_id

    async def _membership(self, person: Actor, company: Company) -> Any:
        return await look.get_membership(self.worker, self.organisations[company.key], address(person, company))

    async def handle_of(self, company: str) -> str:
        """The workspace ID that the guest's admin passes on."""
        return await look.get_handle(self.worker, self.organisations[company])

    async def partnership_of(self, host: str, guest: str) -> UUID:
        """The partnership that two organisations have now."""
        found: UUID = await look.get_partnership(self.worker, self.organisations[host], self.organisations[guest])
        return found

    async def group_of(self, pair: str) -> UUID:
        """The only role group of a partnership."""
        found: UUID = await look.get_group(self.worker, self.partnerships[pair])
        return found

    async def membership_of(self, first: str) -> UUID:
        """The membership of a person of the story in the own organisation."""
        company = next(company for company in COMPANIES if company.key == self.homes[first])
        person = next(person for person in company.people if person.first == first)
        found: UUID = (await self._membership(person, company)).id
        return found

    def _identity(self, person: Actor, company: Company) -> Identity:
        place = company.people.index(person) + 10
        client = Client(f"{company.network}.{place}", person.browser, company.place)
        return self._signed_in(address(person, company), person.name, client)

    def _operator(self) -> Identity:
        return self._signed_in(OPERATOR, "Accord staff", Client(), operator=True)

    def _signed_in(self, email: str, name: str, client: Client, *, operator: bool = False) -> Identity:
        """As the development issuer would say it, so that the same person signs in later."""
        return Identity(
            issuer=self.issuer,
            subject=email,
            email=email,
            email_verified=True,
            name=name,
            mfa=False,
            token_id=f"demo {email}",
            expires_at=self.clock.today + LONG_AFTER,
            client=client,
            operator=operator,
        )


def address(person: Actor, company: Company) -> str:
    """nora@alderfinch.example"""
    return f"{person.first}@{company.domain}"


def made(results: Sequence[Result | DomainError]) -> list[Result]:
    """What a bulk act made, none of whose items may have been refused."""
    done = list[Result]()
    for result in results:
        if isinstance(result, DomainError):
            raise result
        done.append(result)
    return done
