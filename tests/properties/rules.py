"""The machine with all its rules."""

from tests.properties.rules_acting import ActingRules


class Machine(ActingRules):
    """All of them."""
