"""Mails out of the outbox, and what is done by the clock; runs inside `accord serve` or as `accord worker`."""
