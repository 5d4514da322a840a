"""The certificates that the other side showed in a TLS handshake."""

import ssl
from typing import Any


def chain_of(session: ssl.SSLObject) -> list[bytes]:
    """In DER, its own first, as they came: nothing is verified, added or left out.

    Python has this as a method of SSLObject from 3.13 on; in 3.11 it is one of the object inside, which asyncio and
    uvloop both keep (decision 0024).
    """
    public: Any = getattr(session, "get_unverified_chain", None)
    if public is not None:
        return [bytes(each) for each in public() or ()]
    inner: Any = session._sslobj  # type: ignore[attr-defined]
    encoding = ssl._ssl.ENCODING_DER  # type: ignore[attr-defined]
    return [each.public_bytes(encoding) for each in inner.get_unverified_chain() or ()]
