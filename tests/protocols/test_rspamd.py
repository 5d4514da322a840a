"""Rspamd's /checkv2: what it is told, and what it says."""

import json

import pytest
from h11 import Request
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.rspamd import (
    MAX_NUMBER,
    RspamdAnswer,
    RspamdAnswerInvalid,
    Symbol,
    parse_answer,
    request_fields,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


def test_an_answer_of_rspamd_is_understood() -> None:
    answer = {
        "is_skipped": False,
        "score": 7.5,
        "required_score": 15.0,
        "action": "add header",
        "thresholds": {"reject": 15, "add header": 6.0, "rewrite subject": None},
        "symbols": {
            "FORGED_SENDER": {"name": "FORGED_SENDER", "score": 0.3, "description": "Sender is\r\nforged"}
        },
        "messages": {"smtp_message": "Try\r\n250 again"},
        "message-id": "1@far.test",
    }
    assert parse_answer(json.dumps(answer).encode()) == RspamdAnswer(
        "add header",
        7.5,
        15.0,
        (Symbol("FORGED_SENDER", 0.3, "Sender is forged"),),
        {"reject": 15.0, "add header": 6.0},
        "Try 250 again",
    )


@pytest.mark.parametrize(
    "octets",
    [
        b"", b"{", b"[]", b"null", b"\xff", b'{"action": "reject"}', b'{"action": 1, "score": 1}',
        b'{"action": "reject", "score": NaN}', b'{"action": "reject", "score": true}',
        b'{"action": "reject", "score": 1' + b"0" * 400 + b"}",
    ],
)  # fmt: skip
def test_what_is_no_answer_is_not_taken_for_one(octets: bytes) -> None:
    with pytest.raises(RspamdAnswerInvalid):
        parse_answer(octets)


def test_brackets_without_end_are_no_answer() -> None:
    """Python's parser recurses."""
    with pytest.raises(RspamdAnswerInvalid):
        parse_answer(b'{"a":' * 40_000)


def test_what_went_wrong_is_told() -> None:
    with pytest.raises(RspamdAnswerInvalid, match="It says: bad\tcommand".replace("\t", " ")):
        parse_answer(b'{"error": "bad\\u0000command"}')


@given(
    st.dictionaries(
        st.sampled_from(["action", "score", "required_score", "symbols", "thresholds", "messages"]), JSON
    )
)
def test_any_json_is_understood_or_refused(answer: dict[str, object]) -> None:
    try:
        found = parse_answer(json.dumps(answer).encode())
    except RspamdAnswerInvalid:
        return
    for number in (
        found.score,
        found.required_score,
        *found.thresholds.values(),
        *(s.score for s in found.symbols),
    ):
        assert abs(number) <= MAX_NUMBER
    for text in (
        found.action,
        found.message,
        *(s.text for s in found.symbols),
        *(s.name for s in found.symbols),
    ):
        assert text.isascii()
        assert text.isprintable()


@given(st.binary(max_size=200))
def test_any_octets_are_understood_or_refused(octets: bytes) -> None:
    try:
        parse_answer(octets)
    except RspamdAnswerInvalid:
        pass


def test_what_is_told_is_what_rspamd_documents() -> None:
    fields = request_fields(
        ip="192.0.2.1",
        helo="mx.far.test\r\nSettings: evil",
        client_name="",
        reverse_path="",
        forward_paths=["bob@here.test", "zoë@here.test"],
        queue_id="abc",
        host_name="mx.here.test",
        tls=("TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    )
    assert fields == [
        ("IP", b"192.0.2.1"),
        ("Helo", b"mx.far.testSettings: evil"),
        ("From", b""),
        ("Rcpt", b"bob@here.test"),
        ("Rcpt", "zoë@here.test".encode()),
        ("Queue-Id", b"abc"),
        ("MTA-Name", b"mx.here.test"),
        ("TLS-Version", b"TLSv1.3"),
        ("TLS-Cipher", b"TLS_AES_256_GCM_SHA384"),
    ]


@given(st.text(max_size=40), st.text(max_size=40), st.lists(st.text(max_size=20), max_size=3))
def test_whatever_a_client_says_is_told_in_fields_of_http(
    helo: str, reverse_path: str, paths: list[str]
) -> None:
    """h11 takes no others."""
    fields = request_fields(
        ip="192.0.2.1",
        helo=helo,
        client_name="",
        reverse_path=reverse_path,
        forward_paths=paths,
        queue_id="1",
        host_name="mx.test",
    )
    told = [(b"Host", b"x"), *((name.encode(), value) for name, value in fields)]
    assert len(Request(method="POST", target="/checkv2", headers=told).headers) == len(told)
