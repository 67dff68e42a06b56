"""PostgreSQL: connections, tables, visibility, queries and migrations. Every SELECT of the product lives here."""
