"""Where programs beside this host listen, as settings say it."""

import pytest

from mailhost.net.endpoints import Endpoint, EndpointInvalid, parse_endpoint


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("clamd:3310", Endpoint("clamd", 3310)),
        ("[::1]:3310", Endpoint("::1", 3310)),
        ("inet:127.0.0.1:8891", Endpoint("127.0.0.1", 8891)),
        ("inet:8891@filter.test", Endpoint("filter.test", 8891)),
        ("inet6:8891@[::1]", Endpoint("::1", 8891)),
        ("unix:/run/a.sock", Endpoint(path="/run/a.sock")),
        ("local:/run/a.sock", Endpoint(path="/run/a.sock")),
    ],
)
def test_sockets_are_read_as_postfix_and_sendmail_write_them(text: str, endpoint: Endpoint) -> None:
    assert parse_endpoint(text) == endpoint
    assert parse_endpoint(str(endpoint)) == endpoint


@pytest.mark.parametrize(
    "text", ["", "clamd", "clamd:", "clamd:0", "clamd:70000", "unix:run/a", "::1:25", "a b:25"]
)
def test_what_names_no_socket_is_refused(text: str) -> None:
    with pytest.raises(EndpointInvalid):
        parse_endpoint(text)
