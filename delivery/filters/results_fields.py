"""Authentication-Results of this host that came in with a message, and so are somebody else's (RFC 8601 section 5)."""

from mailhost.protocols.authentication_results import claims_to_be
from mailhost.protocols.smtp.header import begins_with_a_field, header_end, scan_fields, without_fields


def without_results_in_our_name(octets: bytes, *, name: str, max_header_octets: int) -> bytes:
    """The message without them. name: this host's. A header that is too long to be taken is left as it is."""
    if not begins_with_a_field(octets):
        return octets
    end = header_end(octets)
    if end > max_header_octets:
        return octets
    header, names = octets[:end], {name.lower()}
    if b"authentication-results" not in header.lower():
        return octets
    return without_fields(
        octets,
        [
            field
            for field in scan_fields(header)
            if field.name == b"authentication-results"
            and claims_to_be(header[field.value_start : field.end], names)
        ],
    )
