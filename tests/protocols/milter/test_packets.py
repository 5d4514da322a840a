"""Packets of the milter protocol, and what is agreed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.milter.commands import Command, connect, header, macros
from mailhost.protocols.milter.negotiation import Actions, Agreed, Steps, offer, read_agreement
from mailhost.protocols.milter.packets import MAX_PACKET_OCTETS, MilterSyntaxError, Packet, PacketReader
from mailhost.protocols.smtp.header import scan_fields

PACKETS = st.lists(st.builds(Packet, st.binary(min_size=1, max_size=1), st.binary(max_size=50)), max_size=5)


def agreement(version: int, actions: int, steps: int) -> Packet:
    return Packet(b"O", b"".join(number.to_bytes(4, "big") for number in (version, actions, steps)))


@given(PACKETS, st.lists(st.integers(1, 40)))
def test_packets_come_out_as_they_went_in_however_they_are_cut(
    packets: list[Packet], cuts: list[int]
) -> None:
    octets = b"".join(packet.encode() for packet in packets)
    reader, found, position = PacketReader(), list[Packet](), 0
    for cut in [*cuts, len(octets)]:
        found += reader.feed(octets[position : position + cut])
        position += cut
    assert found == packets


@pytest.mark.parametrize("length", [0, MAX_PACKET_OCTETS + 1, 0xFFFFFFFF])
def test_a_packet_that_is_no_packet_is_refused_before_it_is_waited_for(length: int) -> None:
    with pytest.raises(MilterSyntaxError):
        list(PacketReader().feed(length.to_bytes(4, "big")))


@given(st.binary(max_size=200))
def test_any_octets_are_packets_or_refused(octets: bytes) -> None:
    try:
        found = list(PacketReader().feed(octets))
    except MilterSyntaxError:
        return
    assert b"".join(packet.encode() for packet in found) == octets[: sum(len(p.encode()) for p in found)]


def test_only_what_is_carried_out_is_offered() -> None:
    """Changed bodies, reverse-paths and recipients are not."""
    assert offer() == agreement(6, 0x31, 0x1FF7FF)


def test_a_milter_takes_of_the_offer_what_it_needs() -> None:
    assert read_agreement(agreement(6, 0x01, 0x18080)) == Agreed(
        6, Actions.ADD_HEADERS, Steps.QUIET_HEADERS | Steps.QUIET_RCPT | Steps.QUIET_DATA
    )


@pytest.mark.parametrize(
    "packet",
    [
        agreement(6, 0x02, 0),
        agreement(6, 0x200, 0),
        agreement(6, 0, 0x800),
        agreement(6, 0, 0x200000),
        agreement(7, 0, 0),
        agreement(1, 0, 0),
        Packet(b"O", b"\0"),
        Packet(b"c"),
    ],
)
def test_a_milter_that_takes_what_was_not_offered_is_not_talked_to(packet: Packet) -> None:
    with pytest.raises(MilterSyntaxError):
        read_agreement(packet)


def test_a_client_is_told_with_its_name_or_its_address_in_brackets() -> None:
    assert connect(client_name="", address="192.0.2.1", port=25).encode() == (
        b"\0\0\0\x1aC[192.0.2.1]\x004\0\x19192.0.2.1\0"
    )
    assert (
        connect(client_name="a.test", address="2001:db8::1", port=0).content
        == b"a.test\x006\0\x002001:db8::1\0"
    )


def test_macros_go_with_their_command_and_empty_ones_are_left_out() -> None:
    packet = macros(Command.MAIL, {"i": "abc", "{mail_addr}": "", "{mail_mailer}": "smtp"})
    assert packet == Packet(b"D", b"Mi\0abc\0{mail_mailer}\0smtp\0")


@pytest.mark.parametrize(
    ("steps", "value"), [(Steps(0), b"one\n\ttwo"), (Steps.LEADING_SPACE, b" one\n\ttwo")]
)
def test_fields_are_told_with_lf_and_their_blank_where_that_is_agreed(steps: Steps, value: bytes) -> None:
    octets = b"Subject: one\r\n\ttwo\r\nX:\r\n"
    assert list(header(octets, scan_fields(octets), steps=steps)) == [
        Packet(b"L", b"Subject\0" + value + b"\0"),
        Packet(b"L", b"X\0\0"),
    ]


@given(st.binary(max_size=200))
def test_any_header_is_told_in_packets_that_fit(octets: bytes) -> None:
    for packet in header(octets, scan_fields(octets), steps=Steps(0)):
        assert packet.content.count(b"\0") == 2
        assert len(packet.encode()) <= MAX_PACKET_OCTETS + 4
