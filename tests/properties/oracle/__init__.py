"""What the model says, said again: a second, small account of who may do what and what then stands.

It is written from the model alone and imports nothing of the product, so that both are wrong in the same way only where
the model was misread twice.
"""

from tests.properties.oracle.acting import ActingActs
from tests.properties.oracle.amendment import AmendmentActs
from tests.properties.oracle.operator import OperatorActs
from tests.properties.oracle.organisation import OrganisationActs
from tests.properties.oracle.partnership import PartnershipActs
from tests.properties.oracle.roles import RoleActs
from tests.properties.oracle.sharing import SharingActs


class Oracle(ActingActs, AmendmentActs, PartnershipActs, SharingActs, RoleActs, OrganisationActs, OperatorActs):
    """Every act of the model that exists."""
