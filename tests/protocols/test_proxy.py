"""Headers of the PROXY protocol, and where they end (haproxy's proxy-protocol.txt)."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.proxy import (
    MAX_V2_OCTETS,
    ProxySyntaxError,
    Source,
    missing_octets,
    parse_proxy_header,
)

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def read(octets: bytes) -> tuple[Source | None, bytes]:
    """(the source, what is left), read as far as is surely the header's and no further."""
    head, rest = b"", octets
    while missing := missing_octets(head):
        if not rest:
            raise ProxySyntaxError("cut off")
        head, rest = head + rest[:missing], rest[missing:]
    return parse_proxy_header(head), rest


def v2(command: int, family: int, body: bytes) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


TCP4 = bytes([192, 0, 2, 1, 198, 51, 100, 2]) + struct.pack("!HH", 4711, 25)


@pytest.mark.parametrize(
    ("header", "source"),
    [
        (b"PROXY TCP4 192.0.2.1 198.51.100.2 4711 25\r\n", Source("192.0.2.1", 4711, "198.51.100.2", 25)),
        (b"PROXY TCP6 2001:DB8::1 ::1 1 65535\r\n", Source("2001:db8::1", 1, "::1", 65535)),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff:f...f:ffff 65535 65535\r\n", None),
        (v2(0x21, 0x11, TCP4), Source("192.0.2.1", 4711, "198.51.100.2", 25)),
        (v2(0x21, 0x11, TCP4 + b"\x04\0\x02ab"), Source("192.0.2.1", 4711, "198.51.100.2", 25)),
        (v2(0x21, 0x21, bytes(15) + b"\1" + bytes(16) + bytes([0, 1, 0, 2])), Source("::1", 1, "::", 2)),
        (v2(0x20, 0x00, b""), None),
        (v2(0x20, 0x11, TCP4), None),
        (v2(0x21, 0x00, b"anything"), None),
    ],
)
@pytest.mark.parametrize("behind", [b"", b"\r\n", b"EHLO a\r\n", b"\x16\x03\x01"])
def test_headers_are_read_and_nothing_behind_them(
    header: bytes, source: Source | None, behind: bytes
) -> None:
    assert read(header + behind) == (source, behind)


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO a\r\n",
        b"\x16\x03\x01",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 4711\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 4711 25\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 4711 65536\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.2 04711 25\r\n",
        b"PROXY TCP4 192.0.2.01 198.51.100.2 4711 25\r\n",
        b"PROXY TCP4 ::1 ::1 4711 25\r\n",
        b"PROXY  TCP4 192.0.2.1 198.51.100.2 4711 25\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.2 4711 25\r\n",
        b"proxy tcp4 192.0.2.1 198.51.100.2 4711 25\r\n",
        b"PROXY UNKNOWN " + b"x" * 100 + b"\r\n",
        SIGNATURE[:-1] + b"\r" + bytes(4),
        v2(0x11, 0x11, TCP4),  # another version
        v2(0x22, 0x11, TCP4),  # another command
        v2(0x21, 0x12, TCP4),  # UDP
        v2(0x21, 0x31, bytes(216)),  # unix sockets
        v2(0x21, 0x11, TCP4[:-1]),
        v2(0x21, 0x21, TCP4),
        v2(0x20, 0x00, bytes(MAX_V2_OCTETS)),
    ],
)
def test_what_is_no_header_is_refused(octets: bytes) -> None:
    with pytest.raises(ProxySyntaxError):
        read(octets)


ADDRESSES = st.one_of(
    st.tuples(st.just("4"), st.ip_addresses(v=4), st.ip_addresses(v=4)),
    st.tuples(st.just("6"), st.ip_addresses(v=6), st.ip_addresses(v=6)),
)
PORTS = st.integers(0, 65_535)


@given(ADDRESSES, PORTS, PORTS, st.binary(max_size=40))
def test_any_addresses_read_back(
    addresses: tuple[str, ipaddress.IPv4Address, ipaddress.IPv4Address],
    port: int,
    local_port: int,
    behind: bytes,
) -> None:
    family, source, local = addresses
    wanted = Source(str(source), port, str(local), local_port)
    line = f"PROXY TCP{family} {source} {local} {port} {local_port}\r\n".encode()
    assert read(line + behind) == (wanted, behind)
    body = source.packed + local.packed + struct.pack("!HH", port, local_port)
    assert read(v2(0x21, 0x11 if family == "4" else 0x21, body) + behind) == (wanted, behind)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda octets: SIGNATURE + octets)))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    try:
        _, rest = read(octets)
    except ProxySyntaxError:
        return
    assert octets.endswith(rest)
