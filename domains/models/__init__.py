"""Who is hosted: domains, and the addresses in them."""

from domains.models.address import CATCH_ALL, Address
from domains.models.alias import Alias, AliasTarget
from domains.models.dkim_key import DkimAlgorithm, DkimKey, DkimState
from domains.models.domain import Domain, SuppressionLearning

__all__ = [
    "CATCH_ALL",
    "Address",
    "Alias",
    "AliasTarget",
    "DkimAlgorithm",
    "DkimKey",
    "DkimState",
    "Domain",
    "SuppressionLearning",
]
