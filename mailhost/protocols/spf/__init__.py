"""Sender Policy Framework (RFC 7208) without I/O: which hosts a domain lets send its mail.

`record` reads what a domain publishes into values, `macros` expands what stands in them, and `check_host` of
`evaluation` comes to a result through a resolver that is passed in. The SMTP door words what it does about it.
"""

from mailhost.protocols.spf.evaluation import check_host, mail_from_identity
from mailhost.protocols.spf.resolver import SpfResolver
from mailhost.protocols.spf.results import Result, SpfResult

__all__ = ["Result", "SpfResolver", "SpfResult", "check_host", "mail_from_identity"]
