"""Credentials and groups of an organisation's directory as the API reads them: for its admins alone."""

from __future__ import annotations

from typing import Final

from sqlalchemy import DateTime, bindparam, case, literal_column, select

from accord.database.engine import Query
from accord.database.queries.read.pages import PARENT, Item, global_id, looked_up, paged, wanted
from accord.database.tables.organisation import organisations
from accord.database.tables.scim import scim_credentials, scim_groups
from accord.database.visibility import keys
from accord.domain.callers.scim import ScimCredentialStatus


class ScimRow(Item):
    """The directory side of one organisation."""

    type_name = "ScimDirectory"


class ScimCredentialRow(Item):
    """A credential, without anything of its secret."""

    type_name = "ScimCredential"


class ScimGroupRow(Item):
    """A group of the directory."""

    type_name = "ScimGroup"


o, c = organisations.alias("o"), scim_credentials.alias("c")
g = scim_groups.alias("g")
STATUS: Final = case(
    (c.c.revoked_at.is_not(None), literal_column(f"'{ScimCredentialStatus.REVOKED}'")),
    (
        c.c.expires_at <= bindparam("now", type_=DateTime(timezone=True)),
        literal_column(f"'{ScimCredentialStatus.EXPIRED}'"),
    ),
    else_=literal_column(f"'{ScimCredentialStatus.ACTIVE}'"),
)
CREDENTIAL: Final = (
    global_id("scimcredential", c.c.id),
    c.c.label,
    STATUS.label("status"),
    c.c.created_at,
    c.c.expires_at,
    c.c.revoked_at,
    c.c.version,
)
GROUP: Final = (
    global_id("scimgroup", g.c.id),
    g.c.display_name,
    g.c.external_id,
    g.c.roles,
    g.c.version,
    g.c.member_count,
)
OWN_CREDENTIAL: Final = c.c.organisation_id == keys("admin_of")
OWN_GROUP: Final = g.c.organisation_id == keys("admin_of")

SCIM_BY_ORGANISATION: Final = Query(
    select(global_id("organisation", o.c.id)).where(o.c.id == wanted(), o.c.id == keys("admin_of")), ScimRow
)
CREDENTIAL_BY_ID: Final = looked_up(ScimCredentialRow, CREDENTIAL, c.c.id, OWN_CREDENTIAL)
GROUP_BY_ID: Final = looked_up(ScimGroupRow, GROUP, g.c.id, OWN_GROUP)
CREDENTIALS: Final = paged(ScimCredentialRow, CREDENTIAL, c, (c.c.organisation_id == PARENT, OWN_CREDENTIAL), c.c.id)
GROUPS: Final = paged(ScimGroupRow, GROUP, g, (g.c.organisation_id == PARENT, OWN_GROUP), g.c.id)
