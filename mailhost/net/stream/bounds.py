"""How much a connection holds, and for how long it waits."""

READ_HIGH_WATER = 64 * 1024  # octets read ahead of the session before the socket is left alone
WRITTEN_TOGETHER = 64 * 1024  # octets of one answer that are gathered before they go out
WRITE_HIGH_WATER = 256 * 1024  # octets on their way out before drain() waits
WRITE_TIMEOUT_SECONDS = 60.0  # a reader that takes nothing for so long is gone
HANDSHAKE_TIMEOUT_SECONDS = 15.0  # slow phones on bad networks need a few round trips
CLOSE_TIMEOUT_SECONDS = 5.0
LINGER_SECONDS = 1.0
DISCARD_LIMIT = 1024 * 1024  # of a line that is too long; whoever sends more speaks no line protocol
