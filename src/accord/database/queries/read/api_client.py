"""API clients as the API reads them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import and_, case

from accord.database.clock import NOW
from accord.database.queries.read.pages import PARENT, Item, as_text, global_id, looked_up, paged
from accord.database.tables.api_client import api_clients
from accord.database.visibility import sees_api_client
from accord.domain.callers.api_client import ApiClientStatus


class ApiClientRow(Item):
    """One API client; of its secret nothing."""

    type_name = "ApiClient"


c = api_clients.alias("c")
STATUS: Final = case(
    (and_(c.c.status == ApiClientStatus.ACTIVE.value, c.c.expires_at <= NOW), ApiClientStatus.EXPIRED.value),
    else_=c.c.status,
)
CLIENT: Final = (
    global_id("apiclient", c.c.id),
    as_text(c.c.organisation_id),
    as_text(c.c.owner_user_id),
    c.c.name,
    c.c.scopes,
    c.c.expires_at,
    STATUS.label("status"),
    c.c.last_used_at,
    as_text(c.c.revoked_by),
    c.c.revoked_at,
    c.c.created_at,
    c.c.version,
)
CLIENT_BY_ID: Final = looked_up(ApiClientRow, CLIENT, c.c.id, sees_api_client(c))
CLIENTS: Final = paged(ApiClientRow, CLIENT, c, (c.c.organisation_id == PARENT, sees_api_client(c)), c.c.id)
