"""What an operator's route asks of TLS, whatever the recipients' policies say (implicit: RFC 8314 section 3.3)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """A certificate that authorities vouch for, for the host's name. is_implicit: TLS from the first octet."""

    route: str
    is_implicit: bool = False


@dataclass(frozen=True, slots=True)
class InClear:
    """No TLS at all."""


Demand = Named | InClear
