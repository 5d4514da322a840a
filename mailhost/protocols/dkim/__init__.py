"""DKIM: signatures of domains on messages (RFC 6376, RFC 8301, RFC 8463, RFC 8616), without I/O.

verify() and sign() are the whole of it; `verification` tells how to verify in steps.
"""

from mailhost.protocols.dkim.keys import PublicKey, TxtLookup, look_up_key
from mailhost.protocols.dkim.message import SignedMessage, mentions_signatures, read_signed_message
from mailhost.protocols.dkim.outcomes import Flaw, Result, Verification
from mailhost.protocols.dkim.signatures import MessageSignature
from mailhost.protocols.dkim.signing import CannotBeSigned, PrivateKey, sign, sign_read
from mailhost.protocols.dkim.verification import MAX_SIGNATURES, check, find_signatures, verify

__all__ = [
    "MAX_SIGNATURES",
    "CannotBeSigned",
    "Flaw",
    "MessageSignature",
    "PrivateKey",
    "PublicKey",
    "Result",
    "SignedMessage",
    "TxtLookup",
    "Verification",
    "check",
    "find_signatures",
    "look_up_key",
    "mentions_signatures",
    "read_signed_message",
    "sign",
    "sign_read",
    "verify",
]
