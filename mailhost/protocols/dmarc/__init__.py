"""DMARC (RFC 9989, which replaces RFC 7489) without I/O: is the domain in From authenticated, and if not, what then.

`author_domain` finds the domain, `record` and `tree_walk` what is published for it, `evaluation` the result;
`aggregate_reports` are what domains are told of it. DNS and the public suffix list are passed in.
"""

from mailhost.protocols.dmarc.author_domain import NoAuthorDomain, author_domain
from mailhost.protocols.dmarc.evaluation import evaluate, strictest, without_author_domain
from mailhost.protocols.dmarc.record import DmarcRecord, Policy
from mailhost.protocols.dmarc.results import DmarcResult, Result

__all__ = [
    "DmarcRecord",
    "DmarcResult",
    "NoAuthorDomain",
    "Policy",
    "Result",
    "author_domain",
    "evaluate",
    "strictest",
    "without_author_domain",
]
