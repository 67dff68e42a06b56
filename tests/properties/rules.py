"""The machine with all its rules."""

from tests.properties.rules_organisation import OperatorRules


class Machine(OperatorRules):
    """All of them."""
