"""COMPRESS (RFC 4978): everything behind the reply is compressed, both ways."""

from mailboxes.imap.session import Session
from mailhost.protocols.imap.compressing import Compress
from mailhost.protocols.imap.responses import Reply, bad, no, ok


async def compress(session: Session, command: Compress) -> Reply | None:
    connection = session.connection
    if command.algorithm != "DEFLATE":
        return bad("The only algorithm is DEFLATE")
    if connection.is_compressed:
        return no("DEFLATE is active already", "COMPRESSIONACTIVE")
    if connection.has_input:
        return bad(
            "Nothing may be sent behind COMPRESS before its reply"
        )  # section 3; it could not be read any more
    connection.compress(announce=ok("DEFLATE active").to_wire(session.tag))
    return None
