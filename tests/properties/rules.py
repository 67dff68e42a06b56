"""The machine with all its rules."""

from tests.properties.rules_amendment import AmendmentRules


class Machine(AmendmentRules):
    """All of them."""
