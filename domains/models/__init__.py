"""Who is hosted: domains, and the addresses in them."""

from domains.models.address import CATCH_ALL, Address
from domains.models.alias import Alias, AliasTarget
from domains.models.domain import Domain

__all__ = ["CATCH_ALL", "Address", "Alias", "AliasTarget", "Domain"]
