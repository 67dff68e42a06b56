"""Schema migrations, run by Alembic over the owner's connection."""
