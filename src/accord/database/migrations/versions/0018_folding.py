"""One folding for names and addresses, addresses at international domains in one form, and times of change."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import idna
import sqlalchemy as sa
from alembic import op
from sqlalchemy.util import await_only

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ADDRESSES: Final = (
    ("users", "email"),
    ("memberships", "email"),
    ("external_contacts", "email"),
    ("directory_entries", "email"),
    ("invitations", "email"),
    ("partnerships", "contact_email"),
)


def upgrade() -> None:
    driver: Any = op.get_bind().connection.driver_connection
    await_only(driver.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")))
    for table, column in ADDRESSES:
        _decode_domains(table, column)


def _decode_domains(table: str, column: str) -> None:
    """Write the domains that were given in their ASCII form as people read them; an unreadable one stays."""
    connection = op.get_bind()
    of = sa.table(table, sa.column(column), schema="accord")
    said = of.c[column]
    for address in connection.scalars(sa.select(said).distinct().where(said.like("%@%xn--%"))).all():
        local, _, domain = address.rpartition("@")
        try:
            readable = f"{local}@{idna.decode(domain)}"
        except UnicodeError:
            continue
        connection.execute(sa.update(of).where(said == address).values({column: readable}))


def downgrade() -> None:
    raise NotImplementedError("Rows rely on the new rule of equality.")
