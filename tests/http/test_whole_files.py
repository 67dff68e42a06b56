"""An exported file says whether it is whole: it ends with a line that counts, or its body is cut (record 102).

The gateway is a process of its own, the client is Python's own over a real socket.
"""

from __future__ import annotations

import asyncio
import csv
import http.client
import io
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from accord.database.failures import TimedOut
from accord.domain.ids import global_id
from accord.http.csv import line
from accord.http.files import END, WholeFile, whole_file
from accord.http.middleware import ResponseBroken
from tests.processes import token
from tests.servers import DatabaseURLs
from tests.starvation.stage import Stage, staged
from tests.world import Person

EVENTS: Final = 4_000
"""Events with a reason each: about ten pages, far more than the kernels of both sides keep."""

LENGTH: Final = 2_000
WINDOW: Final = 8 * 1024
PATIENCE: Final = 60.0
WAITS: Final = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'accord.activity_events'::regclass"
REPORT: Final = "name=ADMINISTRATION&groupBy=EVENT_TYPE&from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z"


@pytest.fixture(scope="module")
async def stage(module_database_urls: DatabaseURLs, tmp_path_factory: Any) -> AsyncIterator[Stage]:
    state: Path = tmp_path_factory.mktemp("state")
    given = {"statement_timeout": 5.0, "reader_timeout": 60.0, "points_per_minute": 1_000_000}
    async with staged(module_database_urls, state, attackers=3, **given) as built:
        await built.fill(built.attackers[0], EVENTS, LENGTH)
        yield built


class Download:
    """One file on its way to a client that reads as slowly as it likes."""

    def __init__(self, stage: Stage, person: Person, path: str) -> None:
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
        opened.settimeout(PATIENCE)
        opened.connect(("127.0.0.1", stage.process.port))
        self.connection = http.client.HTTPConnection("127.0.0.1", stage.process.port)
        self.connection.sock = opened
        headers = {"authorization": f"Bearer {token(stage.state, person.email)}"}
        self.connection.request("GET", path, headers=headers)
        self.answer = self.connection.getresponse()
        self.text = b""

    def begin(self) -> None:
        """Read the first bytes, and leave the rest where it is."""
        self.text += self.answer.read(1_000)

    def finish(self) -> bool:
        """Read to the end; False where the server broke the body off."""
        try:
            self.text += self.answer.read()
        except http.client.IncompleteRead as error:
            self.text += error.partial
            return False
        finally:
            self.connection.close()
        return True

    @property
    def rows(self) -> list[list[str]]:
        return list(csv.reader(io.StringIO(self.text.decode("utf-8-sig", "ignore"))))


def ends_whole(rows: Sequence[Sequence[str]]) -> bool:
    """Is there a last line, and does it count what stands before it? This is how the guide tells readers to look."""
    header, *lines = rows
    last = lines[-1] if lines else [""]
    return last[0] == END and int(last[1]) == len(lines) - 1 and not any(last[2:]) and len(last) == len(header)


def activity(person: Person) -> str:
    return f"/exports/activity.csv?organisationId={global_id('organisation', person.organisation.id)}"


async def downloaded(stage: Stage, person: Person, path: str, meanwhile: Callable[[], Awaitable[None]]) -> Any:
    """A file, with something that happens between its first bytes and the others; and whether the body was whole."""
    download = await asyncio.to_thread(Download, stage, person, path)
    await asyncio.to_thread(download.begin)
    await meanwhile()
    return download, await asyncio.to_thread(download.finish)


async def nothing() -> None:
    return None


async def test_a_file_that_nothing_disturbs_ends_with_its_count(stage: Stage) -> None:
    admin = stage.attackers[0]
    download, is_whole = await downloaded(stage, admin, activity(admin), nothing)
    assert (download.answer.status, is_whole) == (200, True)
    assert ends_whole(download.rows)
    assert int(download.rows[-1][1]) >= EVENTS


async def test_a_report_ends_with_its_count(stage: Stage) -> None:
    admin = stage.attackers[1]
    path = f"/exports/report.csv?organisationId={global_id('organisation', admin.organisation.id)}&{REPORT}"
    download, is_whole = await downloaded(stage, admin, path, nothing)
    assert (download.answer.status, is_whole) == (200, True)
    assert download.rows == [["Key", "Label", "Count"], [END, "0", ""]]


async def test_a_timeout_in_the_middle_breaks_the_file_off(stage: Stage) -> None:
    """A statement that runs into its time limit: the status was sent long ago, and the body must not look whole."""
    admin = stage.attackers[0]
    blocker = await asyncpg.connect(stage.world.urls.superuser)
    try:

        async def block() -> None:
            await blocker.execute("BEGIN; LOCK TABLE accord.activity_events IN ACCESS EXCLUSIVE MODE")

        download, is_whole = await downloaded(stage, admin, activity(admin), block)
    finally:
        await blocker.close()
    assert (download.answer.status, is_whole) == (200, False)
    assert 1 < len(download.rows) < EVENTS
    assert not ends_whole(download.rows)


async def test_rights_that_end_in_the_middle_break_the_file_off(stage: Stage) -> None:
    """Pages after the end of a membership are empty: without the count the file would look like all that there is."""
    admin = stage.attackers[0]
    leave = "UPDATE accord.memberships SET status = $2, roles = '{MEMBER}' WHERE id = $1"
    try:

        async def end() -> None:
            await stage.world.owner.execute(leave, admin.membership_id, "DEACTIVATED")

        download, is_whole = await downloaded(stage, admin, activity(admin), end)
    finally:
        back = "UPDATE accord.memberships SET status = 'ACTIVE', roles = '{ORG_ADMIN}' WHERE id = $1"
        await stage.world.owner.execute(back, admin.membership_id)
    assert (download.answer.status, is_whole) == (200, False)
    assert 1 < len(download.rows) < EVENTS
    assert not ends_whole(download.rows)


async def some_lines(*parts: Sequence[bytes] | Exception) -> AsyncGenerator[Sequence[bytes]]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


async def test_what_fails_at_once_is_refused_and_no_file() -> None:
    with pytest.raises(TimedOut):
        await whole_file(("A", "B"), some_lines(TimedOut()), {}, least=0)


async def taken(file: WholeFile, found: list[bytes]) -> None:
    async for piece in file.body_iterator:
        assert isinstance(piece, bytes)
        found.append(piece)


def rows_of(found: Sequence[bytes]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(found).decode("utf-8-sig"))))


ONE: Final = line(["1", "x"])


@pytest.mark.parametrize("parts", [([ONE], TimedOut()), ([ONE],), ([ONE], [], OSError())])
async def test_no_last_line_where_lines_are_missing(parts: Any) -> None:
    file = await whole_file(("A", "B"), some_lines(*parts), {}, least=2)
    found: list[bytes] = []
    with pytest.raises((ResponseBroken, OSError)):
        await taken(file, found)
    assert not ends_whole(rows_of(found))


async def test_more_lines_than_were_counted_are_whole() -> None:
    """Something may be recorded between the count and the file."""
    file = await whole_file(("A", "B"), some_lines([ONE], [ONE, ONE]), {}, least=2)
    found: list[bytes] = []
    await taken(file, found)
    assert ends_whole(rows_of(found))
