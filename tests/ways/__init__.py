"""Every way that gives a role, an access or a mail, in one table, and the test that walks it."""
