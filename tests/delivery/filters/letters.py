"""Messages for the filters' tests."""

from ipaddress import ip_address

from delivery.filters.incoming import Incoming

DATE = "Mon, 23 Nov 2026 10:00:00 +0000"
PLAIN = f"From: Ann <ann@far.test>\r\nTo: bob@here.test\r\nDate: {DATE}\r\nMessage-ID: <1@far.test>\r\n"


def letter(
    *fields: str,
    without: str = "",
    body: bytes = b"Hello.\r\n",
    peer: str = "192.0.2.1",
    helo: str = "mx.far.test",
) -> Incoming:
    """PLAIN without one field, with others behind it, from ann@far.test to here.test."""
    kept = [line for line in PLAIN.splitlines() if not (without and line.startswith(f"{without}:"))]
    header = "".join(f"{line}\r\n" for line in [*kept, *fields]).encode("utf-8", "surrogateescape")
    return Incoming(
        peer=ip_address(peer),
        helo=helo,
        reverse_path="ann@far.test",
        domains=frozenset({"here.test"}),
        octets=header + b"\r\n" + body,
    )
