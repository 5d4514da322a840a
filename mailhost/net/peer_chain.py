"""The certificates that the other side showed in a TLS handshake."""

import ssl
from typing import Any, Final

_METHOD: Final = "get_unverified_chain"
ONLY_ITS_OWN: Final = (
    "(This Python tells a server's own certificate alone, and no authorities that it showed with it.)"
)


def chain_of(session: ssl.SSLObject) -> list[bytes]:
    """In DER, its own first, as they came: nothing is verified, added or left out. Its own alone, unless tells_all().

    Python has this as a method of SSLObject from 3.13 on; in 3.11 it is one of the object inside, which asyncio and
    uvloop both keep (decision 0024).
    """
    public: Any = getattr(session, _METHOD, None)
    if public is not None:
        return [bytes(each) for each in public() or ()]
    if not tells_all():
        own = session.getpeercert(binary_form=True)
        return [own] if own else []
    inner: Any = session._sslobj  # type: ignore[attr-defined]
    encoding = ssl._ssl.ENCODING_DER  # type: ignore[attr-defined]
    return [each.public_bytes(encoding) for each in inner.get_unverified_chain() or ()]


def tells_all() -> bool:
    """Whether this Python has either method."""
    inner: Any = ssl._ssl._SSLSocket  # type: ignore[attr-defined]
    return hasattr(ssl.SSLObject, _METHOD) or hasattr(inner, _METHOD)
