"""The domain that DMARC is about: the one in From (RFC 9989 section 5.3.1)."""

from collections.abc import Sequence

from mailhost.protocols.addresses import AddressSyntaxError
from mailhost.protocols.smtp.originators import parse_originators


class NoAuthorDomain(Exception):
    """There is none, or more than one; the message is a sentence for people."""


def author_domain(from_values: Sequence[bytes]) -> str:
    """The one domain, as A-labels, of all addresses in the From field; from_values: those of every From field.

    Raises NoAuthorDomain also where a reader may see another address than we do. RFC 9989 leaves messages of
    several domains to the receiver: whoever forges From only has to add an address to get there, so that the
    caller has to decide, and cannot take one of them for the domain.
    """
    if len(from_values) != 1:
        raise NoAuthorDomain(
            "The message has more than one From field." if from_values else "The message has no From field."
        )
    try:
        addresses = parse_originators(from_values[0])
    except AddressSyntaxError as error:
        raise NoAuthorDomain(f"From cannot be read: {error}") from error
    domains = {address.domain for address in addresses}
    if not domains:
        raise NoAuthorDomain("From has no address.")
    if len(domains) > 1:
        raise NoAuthorDomain("From has addresses of several domains.")
    domain = domains.pop()
    if domain.startswith("["):
        raise NoAuthorDomain("The address in From has no domain.")
    return domain
