"""What refuses to start, and that no secret of the settings is ever printed."""

from typing import Any

import pytest
from pydantic import ValidationError

from accord.settings import Settings

CANARY = "canary-81c2"
PRODUCTION: dict[str, Any] = {
    "environment": "production",
    "database_url": f"postgresql://gateway:{CANARY}@db.example/accord",
    "issuers": [{"issuer": "https://issuer.example", "audience": "accord"}],
    "public_url": "https://accord.example",
    "host": "0.0.0.0",  # noqa: S104 - production serves others
}
ENTRY = {"issuer": "https://i.example", "audience": "a"}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "OWNER_URL", "WORKER_URL", "ENVIRONMENT", "PUBLIC_URL", "ISSUERS", "OPERATORS"):
        monkeypatch.delenv(f"ACCORD_{name}", raising=False)


def test_production_has_the_safe_switches_off() -> None:
    settings = Settings(**PRODUCTION)
    assert not settings.may_introspect
    assert not settings.shows_graphiql
    assert not settings.reads_by_get
    assert settings.cors_origins == ()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"cors_origins": "*"}, "wildcard"),
        ({"cors_origins": "https://*.example"}, "wildcard"),
        ({"environment": "development"}, "loopback"),
        ({"environment": "development", "host": "127.0.0.1"}, "loopback"),
        ({"environment": "development", "public_url": "http://127.0.0.1:8000"}, "loopback"),
        ({"issuers": []}, "ISSUERS"),
        ({"database_url": None}, "DATABASE_URL"),
        ({"issuers": [{"issuer": "http://issuer.example", "audience": "a"}]}, "https"),
        ({"issuers": [{"issuer": "https://i.example", "audience": "a", "algorithms": ["HS256"]}]}, "algorithms"),
        ({"issuers": [{"issuer": "https://i.example", "audience": "a", "jwks_uri": "http://i.example"}]}, "https"),
        ({"issuers": [ENTRY, ENTRY]}, "once"),
        ({"issuers": [ENTRY | {"client_secret": CANARY}]}, "client_id"),
        ({"issuers": [ENTRY | {"client_id": "a", "scopes": ["email"]}]}, "openid"),
        ({"issuers": [ENTRY | {"provision": True}]}, "organisations"),
        ({"issuers": [ENTRY | {"organisations": [{"handle": "a"}]}]}, "bound by"),
        ({"issuers": [ENTRY | {"organisations": [{"handle": "a", "claim": "tid"}]}]}, "bound by"),
        ({"issuers": [ENTRY | {"organisations": [{"handle": "a", "values": ["t"]}]}]}, "bound by"),
        (
            {
                "issuers": [
                    ENTRY | {"organisations": [{"handle": "a", "domains": ["a.b"], "claim": "t", "values": ["t"]}]}
                ]
            },
            "bound by",
        ),
        ({"issuers": [ENTRY | {"organisations": [{"handle": "a", "domains": ["*.example"]}]}]}, "written out"),
        ({"issuers": [ENTRY | {"organisations": [{"handle": "a", "domains": ["A.example"]}]}]}, "written out"),
        ({"issuers": [ENTRY | {"organisations": [{"handle": "a", "domains": ["example"]}]}]}, "written out"),
        (
            {"issuers": [ENTRY | {"organisations": [{"handle": name, "domains": ["a.example"]} for name in "ab"]}]},
            "one org",
        ),
        ({"demo": True}, "demo"),
        ({"operators": "someone"}, "issuer subject"),
        ({"public_url": "accord.example"}, "PUBLIC_URL"),
        ({"public_url": "ftp://accord.example"}, "PUBLIC_URL"),
        ({"page": 101}, "page"),
        ({"page": 0}, "page"),
        ({"request_timeout": 0}, "request_timeout"),
        ({"port": 70_000}, "port"),
        ({"pool_size": 2}, "pool_size"),
        ({"in_flight_of_person": 20}, "below POOL_SIZE"),
        ({"in_flight_of_person": 17}, "below POOL_SIZE"),
        ({"in_flight_of_organisation": 20}, "below POOL_SIZE"),
        ({"pool_size": 10, "in_flight_of_person": 4, "in_flight_of_organisation": 10}, "below POOL_SIZE"),
    ],
)
def test_what_refuses_to_start(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word) as refusal:
        Settings(**{**PRODUCTION, **change})
    assert CANARY not in str(refusal.value)


@pytest.mark.parametrize(("pool", "person", "organisation"), [(20, 8, 16), (10, 4, 8), (3, 1, 2), (100, 40, 80)])
def test_nobody_may_hold_the_whole_pool(pool: int, person: int, organisation: int) -> None:
    settings = Settings(**PRODUCTION, pool_size=pool)
    assert (settings.in_flight_of_person, settings.in_flight_of_organisation) == (person, organisation)


def test_secrets_are_wrapped() -> None:
    given: dict[str, Any] = {"owner_url": CANARY, "worker_url": CANARY, "smtp_password": CANARY, "ticket_key": CANARY}
    settings = Settings(**{**PRODUCTION, **given})
    assert CANARY not in repr(settings) + str(settings) + settings.model_dump_json()
    assert CANARY not in repr(settings.model_copy(update={"smtp_host": "mail.example"}).smtp())
    with_client = Settings(**{**PRODUCTION, "issuers": [ENTRY | {"client_id": "c", "client_secret": CANARY}]})
    assert CANARY not in repr(with_client) + str(with_client) + with_client.model_dump_json()
    assert CANARY not in repr(with_client.issuers[0].trusted())


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCORD_OPERATORS", "https://i.example one, https://i.example two")
    monkeypatch.setenv("ACCORD_PORT", "9000")
    monkeypatch.setenv("ACCORD_ISSUERS", '[{"issuer": "https://i.example", "audience": "a"}]')
    settings = Settings()
    assert settings.staff == {("https://i.example", "one"), ("https://i.example", "two")}
    assert settings.public_url == "http://127.0.0.1:9000"
    assert [issuer.trusted().name for issuer in settings.issuers] == ["https://i.example"]


def test_mail_goes_unencrypted_only_to_this_machine_unless_told() -> None:
    assert Settings().smtp() is None
    here = Settings(smtp_host="127.0.0.1").smtp()
    there = Settings(smtp_host="mail.example").smtp()
    assert here is not None
    assert there is not None
    assert (here.encryption, there.encryption) == ("none", "starttls")
