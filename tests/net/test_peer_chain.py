"""The chain that a server shows, by what Python has for it: an update that takes that away is noticed here."""

import ssl
from datetime import UTC, datetime

import pytest

from mailhost.net import peer_chain
from mailhost.net.peer_chain import chain_of, tells_all
from tests.support.authorities import Authority

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOWN = Authority(NOON, name="Issuing", above=Authority(NOON)).issue("mx.far.test")


def handshake(version: ssl.TLSVersion) -> ssl.SSLObject:
    """A client's side, after a handshake in memory with a server that shows the chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = version
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(here, there)
    server = SHOWN.context().wrap_bio(there, here, server_side=True)
    left = [client, server]
    while left:
        for side in list(left):
            try:
                side.do_handshake()
                left.remove(side)
            except ssl.SSLWantReadError:
                pass
    return client


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_all_that_was_shown_is_told_in_its_order(version: ssl.TLSVersion) -> None:
    assert tells_all()
    assert chain_of(handshake(version)) == SHOWN.chain_der
    assert len(SHOWN.chain_der) == 3


def test_a_python_that_does_not_tell_it_tells_the_servers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_chain, "_METHOD", "get_what_there_is_not")
    assert not tells_all()
    assert chain_of(handshake(ssl.TLSVersion.TLSv1_3)) == [SHOWN.der]
