"""Which messages carry a report: noted as a finding without points, so that a worker finds and reads them.

By the file name that RFC 7489 section 7.2.1.1 and RFC 8460 section 5.1 want, and the media types of the latter.
"""

import re
from collections.abc import Iterator
from typing import Final

from delivery.filters.incoming import Incoming
from delivery.findings import Finding
from mailhost.protocols.message.leaves import disposition_of, filename_of, leaves
from mailhost.protocols.message.scanner import Part

CHECK: Final = "report"
DMARC, TLS = "dmarc", "tls"
_TLS_TYPES: Final = frozenset((b"application/tlsrpt+gzip", b"application/tlsrpt+json"))
# receiver "!" policy-domain "!" begin "!" end [ "!" unique-id ] "." extension
_NAME: Final = re.compile(
    r"[^!/\\]{1,255}![^!/\\]{1,255}!\d{1,20}!\d{1,20}(?:![^!/\\]{1,255})?\.(xml|zip|json)(?:\.gz)?"
)
MAX_LEAVES: Final = 20


def report_findings(message: Incoming) -> Iterator[Finding]:
    """One finding where the message carries a report of either kind."""
    for kind, _ in report_parts(message.root):
        yield Finding(CHECK, kind, f"It carries a {kind.upper()} report.")
        return


def report_parts(root: Part) -> Iterator[tuple[str, Part]]:
    """(DMARC or TLS, the part) for each report in the message, up to a bound."""
    for number, part in enumerate(leaves(root)):
        if number >= MAX_LEAVES:
            return
        if kind := _kind(part):
            yield kind, part


def _kind(part: Part) -> str:
    if part.content_type.media_type in _TLS_TYPES:
        return TLS
    found = _NAME.fullmatch(filename_of(part, disposition_of(part)).lower())
    if found is None:
        return ""
    return TLS if found[1] == "json" else DMARC
