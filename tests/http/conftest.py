"""The toy behind the edge, asked without a socket."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.http.toy import Toy


@pytest.fixture(scope="session")
def toy() -> Toy:
    return Toy()


@pytest.fixture
async def http(toy: Toy) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that is signed in."""
    transport = httpx2.ASGITransport(toy.app)
    headers = {"authorization": f"Bearer {toy.token()}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.example", headers=headers) as client:
        yield client
