"""DataLoaders of one operation: one statement per link and level, one answer per key."""

from __future__ import annotations

import asyncio
from asyncio import Future
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from aiodataloader import DataLoader, dispatch_queue

from accord.access.facts import PartnershipFacts, Target
from accord.database.engine import Query, Snapshot
from accord.database.queries.read import (
    acting,
    activity,
    amendment,
    api_client,
    billing,
    cascade,
    contact,
    delegation,
    invitation_claim,
    organisation,
    partner,
    partnership,
    policy,
    report,
    scim,
    setting,
    sharing,
)
from accord.database.queries.read.facts import (
    ACCOUNT_TARGETS,
    OWNED_PARTNERSHIPS,
    PARTNERSHIP_FACTS,
    facts_by_partnership,
    targets_by_account,
)
from accord.database.queries.read.pages import Pages
from accord.schema.pagination import COUNTED, Count, Page, Span, page_of

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Loader(DataLoader[Key, Value]):
    """The stock loader with two faults mended.

    A waiter that is cancelled does not cancel the key for the others, and a level is one batch call without a future
    per key. Levels and single keys that are asked for in the same turn share the batch.
    """

    def __init__(self, batch: Callable[[list[Key]], Awaitable[Sequence[Value]]]) -> None:
        self._batch = batch
        self._known: dict[Key, Value] = {}
        self._under_way: dict[Key, Future[None]] = {}
        self._gathered: list[Key] = []
        super().__init__()

    async def batch_load_fn(self, keys: list[Key]) -> list[Value]:
        levels, self._gathered = self._gathered, []
        if not keys and not levels:
            return []
        done = self._under_way[levels[0]] if levels else None
        try:
            values = list(await self._batch([*keys, *levels]))
            self._known.update(zip([*keys, *levels], values, strict=True))
        except BaseException as error:
            if done is not None:
                done.set_exception(error) if isinstance(error, Exception) else done.cancel()
            raise
        finally:
            for key in levels:
                del self._under_way[key]
        if done is not None:
            done.set_result(None)
        return values[: len(keys)]

    def load(self, key: Key) -> Future[Value]:
        """The value of one key, together with all others that are asked for in the same turn."""
        if key in self._known or key in self._under_way:
            return asyncio.ensure_future(self._of_level(key))
        return asyncio.shield(super().load(key))

    def do_resolve_reject(self, key: Key, future: Future[Value]) -> None:
        future.add_done_callback(_retrieved)
        super().do_resolve_reject(key, future)

    def load_many(self, keys: Iterable[Key]) -> Future[list[Value]]:
        """The values of several keys, in order; what nobody asked for yet is one batch call."""
        return asyncio.ensure_future(self._all(list(keys)))

    async def level(self, keys: Sequence[Key]) -> list[Any]:
        """The values of a level's keys, in order; the exception stands where a key's batch failed."""
        known = self._known
        failed: dict[Key, Exception] = {}
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        if missing:
            self._gather([key for key in missing if key not in self._under_way and key not in self._cache])
            waits = [self._under_way.get(key) or self._single(key) for key in missing]
            await asyncio.wait(set(waits))
            if any(map(Future.exception, set(waits))):
                errors = zip(missing, map(Future.exception, waits), strict=True)
                failed = {key: error for key, error in errors if isinstance(error, Exception)}
        return (
            [failed[key] if key in failed else known[key] for key in keys] if failed else [known[key] for key in keys]
        )

    async def _all(self, keys: list[Key]) -> list[Value]:
        values = await self.level(keys)
        for value in values:
            if isinstance(value, Exception):
                raise value
        return values

    async def _of_level(self, key: Key) -> Value:
        (value,) = await self._all([key])
        return value

    def _single(self, key: Key) -> Future[Any]:
        future: Future[Any] = super().load(key)
        return future

    def _gather(self, fresh: list[Key]) -> None:
        """Puts keys of a level into the batch of this turn."""
        if not fresh:
            return
        if self._gathered:
            done = self._under_way[self._gathered[0]]
        else:
            done = asyncio.get_running_loop().create_future()
            done.add_done_callback(_retrieved)
            asyncio.ensure_future(self._dispatched()).add_done_callback(_retrieved)
        self._gathered.extend(fresh)
        self._under_way.update(dict.fromkeys(fresh, done))

    async def _dispatched(self) -> None:
        """Runs the batch once all that runs now has asked, unless single keys of the same turn took it with them."""
        await asyncio.sleep(0)
        if self._queue:
            dispatch_queue(self)
        elif self._gathered:
            await self.batch_load_fn([])


def _retrieved(future: Future[Any]) -> None:
    """Marks an error as seen: a batch may outlive all who waited for it."""
    if not future.cancelled():
        future.exception()


def lookups(query: Query) -> Any:
    """A loader of the bundle that finds rows by key; None for what is not there or not to be seen."""

    def make(bundle: Loaders) -> Loader[str, Any]:
        async def rows(keys: list[str]) -> list[Any]:
            found = {row.key: row for row in await bundle.snapshot.fetch(query, keys=keys)}
            return [found.get(key) for key in keys]

        return Loader(rows)

    return cached_property(make)


def groups(query: Query) -> Any:
    """A loader of the bundle that finds all rows under a parent's key."""

    def make(bundle: Loaders) -> Loader[str, list[Any]]:
        return bundle.grouped(query)

    return cached_property(make)


class Loaders:
    """The loaders of one operation, each made when it is first asked for. Names say `value_by_key`."""

    organisation_by_id = lookups(organisation.ORGANISATION_BY_ID)
    seen_organisation_by_id = lookups(organisation.ORGANISATION_SEEN)
    user_by_id = lookups(organisation.USER_BY_ID)
    seen_user_by_id = lookups(organisation.USER_SEEN)
    email_by_user = lookups(organisation.EMAIL_BY_USER)
    membership_by_id = lookups(organisation.MEMBERSHIP_BY_ID)
    partnership_by_id = lookups(partnership.PARTNERSHIP_BY_ID)
    link_by_id = lookups(partner.LINK_BY_ID)
    contract_by_id = lookups(partner.CONTRACT_BY_ID)
    attempt_by_id = lookups(partnership.ATTEMPT_BY_ID)
    amendment_by_id = lookups(amendment.AMENDMENT_BY_ID)
    open_amendments_by_partnership = groups(amendment.OPEN_AMENDMENTS)
    terms_by_id = lookups(partnership.TERMS_BY_ID)
    account_by_id = lookups(sharing.ACCOUNT_BY_ID)
    owners_by_account = groups(sharing.OWNERS_BY_ACCOUNT)
    share_by_id = lookups(sharing.SHARE_BY_ID)
    grant_by_id = lookups(sharing.GRANT_BY_ID)
    access_item_by_id = lookups(sharing.ITEM_BY_ID)
    delegation_by_id = lookups(delegation.DELEGATION_BY_ID)
    role_group_by_id = lookups(delegation.ROLE_GROUP_BY_ID)
    api_client_by_id = lookups(api_client.CLIENT_BY_ID)
    cascade_by_id = lookups(cascade.CASCADE_BY_ID)
    contact_by_id = lookups(contact.CONTACT_BY_ID)
    invitation_claim_by_id = lookups(invitation_claim.CLAIM_BY_ID)
    policy_by_organisation = lookups(policy.POLICY_BY_ORGANISATION)
    session_by_id = lookups(acting.SESSION_BY_ID)
    bases_by_host = groups(acting.BASES_BY_HOST)
    settings_by_id = lookups(setting.SETTINGS_BY_ID)
    features_by_organisation = groups(setting.FEATURES_BY_ORGANISATION)
    scim_by_organisation = lookups(scim.SCIM_BY_ORGANISATION)
    scim_credential_by_id = lookups(scim.CREDENTIAL_BY_ID)
    scim_group_by_id = lookups(scim.GROUP_BY_ID)
    invoice_by_id = lookups(billing.INVOICE_BY_ID)
    wallet_by_organisation = lookups(billing.WALLET_BY_ORGANISATION)
    live_partnerships_by_organisation = groups(report.LIVE_PARTNERSHIPS)
    event_by_id = lookups(activity.EVENT_BY_ID)
    notification_by_id = lookups(activity.NOTIFICATION_BY_ID)

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._made: dict[Hashable, Loader[Any, Any]] = {}

    def grouped(self, query: Query, **given: Any) -> Loader[str, list[Any]]:
        """All rows of `query` under each parent, with these filters."""

        async def rows(keys: list[str]) -> list[list[Any]]:
            return _gathered(keys, await self.snapshot.fetch(query, keys=keys, **_plain(given)))

        return self._once((query, *sorted(given.items())), rows)

    def page(self, pages: Pages, span: Span, **given: Any) -> Loader[str, Page]:
        """One page of the connection under each parent, with these filters."""

        async def load(keys: list[str]) -> list[Page]:
            bounds = pages.bounds(span.after, span.before)
            rows = await self.snapshot.fetch(
                pages.narrowed(given).page(span.backward), keys=keys, size=span.size + 1, **bounds, **_plain(given)
            )
            return [page_of(group, span) for group in _gathered(keys, rows)]

        return self._once((pages, span, *sorted(given.items())), load)

    def count(self, pages: Pages, **given: Any) -> Loader[str, Count]:
        """Return how many rows the connection has under each parent, with these filters, as far as they are counted."""
        query = pages.narrowed(given).count

        async def counts(keys: list[str]) -> list[Count]:
            rows = await self.snapshot.fetch(query, keys=keys, most=COUNTED, **_plain(given))
            found = {row.parent: Count(min(row.total, COUNTED), row.looked <= COUNTED) for row in rows}
            return [found.get(key, Count(0, exact=True)) for key in keys]

        return self._once((query, *sorted(given.items())), counts)

    def figure(self, query: Query, **given: Any) -> Loader[str, int]:
        """The `total` of each parent, 0 where there is none."""

        async def totals(keys: list[str]) -> list[int]:
            found = {row.parent: row.total for row in await self.snapshot.fetch(query, keys=keys, **_plain(given))}
            return [found.get(key, 0) for key in keys]

        return self._once((query, *sorted(given.items())), totals)

    @cached_property
    def facts_by_partnership(self) -> Loader[str, PartnershipFacts | None]:
        """What decisions look at in a partnership."""

        async def facts(keys: list[str]) -> list[PartnershipFacts | None]:
            found = facts_by_partnership(await self.snapshot.fetch(PARTNERSHIP_FACTS, keys=keys))
            return [found.get(key) for key in keys]

        return Loader(facts)

    @cached_property
    def searchable_by_organisation(self) -> Loader[str, bool]:
        """May the viewer search this organisation's directory? (Q15)"""

        async def searchable(keys: list[str]) -> list[bool]:
            found = {row.parent for row in await self.snapshot.fetch(organisation.SEARCHABLE, keys=keys)}
            return [key in found for key in keys]

        return Loader(searchable)

    @cached_property
    def owned_partnerships(self) -> Loader[str, tuple[PartnershipFacts, ...]]:
        """Active partnerships that the viewer owns, one of each host at least, under any one key."""

        async def owned(keys: list[str]) -> list[tuple[PartnershipFacts, ...]]:
            facts = tuple(facts_by_partnership(await self.snapshot.fetch(OWNED_PARTNERSHIPS)).values())
            return [facts for _ in keys]

        return Loader(owned)

    @cached_property
    def group_names_by_guest(self) -> Loader[str, dict[str, str]]:
        """The names of a guest's active role groups, for people of the guest; a host learns of no other customer."""

        async def names(keys: list[str]) -> list[dict[str, str]]:
            rows = await self.snapshot.fetch(delegation.GROUPS_BY_GUEST, keys=keys)
            return [delegation.named(group) for group in _gathered(keys, rows)]

        return Loader(names)

    @cached_property
    def targets_by_account(self) -> Loader[str, tuple[Target, ...]]:
        """What decisions look at in an account, once for each live share."""

        async def targets(keys: list[str]) -> list[tuple[Target, ...]]:
            found = targets_by_account(await self.snapshot.fetch(ACCOUNT_TARGETS, keys=keys))
            return [found.get(key, ()) for key in keys]

        return Loader(targets)

    def _once(self, name: Hashable, batch: Callable[[list[Any]], Awaitable[Sequence[Any]]]) -> Loader[Any, Any]:
        if name not in self._made:
            self._made[name] = Loader(batch)
        return self._made[name]


def _gathered(keys: list[str], rows: list[Any]) -> list[list[Any]]:
    groups: dict[str, list[Any]] = {key: [] for key in keys}
    for row in rows:
        groups[row["parent"]].append(row)
    return [groups[key] for key in keys]


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    """Filters are tuples so that they can name a loader; the driver wants lists."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
