"""Settings and features as the API reads them; an organisation that never set any shows the defaults."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, Text, cast, func, literal, select

from accord.database.engine import Query, Row
from accord.database.host_data import reads_settings
from accord.database.queries.read.pages import Item, as_text, global_id, wanted
from accord.database.tables.organisation import directory_entries, organisations
from accord.database.tables.setting import organisation_features, organisation_settings
from accord.domain.setting import FIRST_LOCALE, FIRST_TIME_ZONE


class SettingsRow(Item):
    """The settings of one organisation."""

    type_name = "Settings"


o, s, f = organisations.alias("o"), organisation_settings.alias("s"), organisation_features.alias("f")
e = directory_entries.alias("e")

SETTINGS_BY_ID: Final = Query(
    select(
        global_id("settings", o.c.id),
        o.c.name.label("display_name"),
        func.coalesce(s.c.locale, literal(FIRST_LOCALE, Text())).label("locale"),
        func.coalesce(s.c.time_zone, literal(FIRST_TIME_ZONE, Text())).label("time_zone"),
        func.coalesce(s.c.notification_addresses, cast([], ARRAY(Text()))).label("notification_addresses"),
        s.c.security_contact,
        func.coalesce(e.c.listed, False).label("listed_in_directory"),
        e.c.email.label("directory_email"),
        e.c.request_code,
        func.coalesce(s.c.version, 0).label("version"),
    )
    .select_from(o)
    .outerjoin(s, s.c.id == o.c.id)
    .outerjoin(e, e.c.id == o.c.id)
    .where(o.c.id == wanted(), reads_settings(o.c.id)),
    SettingsRow,
)
FEATURES_BY_ORGANISATION: Final = Query(
    select(as_text(f.c.organisation_id, "parent"), f.c.key, f.c.enabled, f.c.version).where(
        f.c.organisation_id == wanted(), reads_settings(f.c.organisation_id)
    ),
    Row,
)
"""What somebody has set; the features that nobody has set are not here."""
