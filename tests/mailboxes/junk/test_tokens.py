"""Messages as tokens."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from mailboxes.junk import tokens, urls
from mailboxes.junk.tokens import MAX_TOKEN_CHARACTERS, MAX_TOKENS, hash_of, tokens_of
from mailboxes.junk.urls import domain_tokens, url_tokens
from mailboxes.junk.words import MIN_CHARACTERS, SHORT, words_of

HEADERS = st.sampled_from(
    [b"From:", b"Subject:", b"Content-Type:", b"Received:", b"List-Unsubscribe:", b"To:", b"Date:"]
)
LINES = st.one_of(
    st.binary(max_size=60),
    st.builds(lambda name, value: name + value, HEADERS, st.binary(max_size=60)),
    st.sampled_from(
        [
            b"Content-Type: multipart/mixed; boundary=b",
            b"Content-Type: text/html; charset=utf-7",
            b"Content-Transfer-Encoding: base64",
            b"--b",
            b"--b--",
            b"",
            b"<a href='http://[::1]:x@%ff%00/?a=b'>",
        ]
    ),
)

LINKS = [
    "http://",
    "HTTPS://",
    "ftp://",
    "www.",
    "Www.",
    "://",
    "x",
    " ",
    ".example",
    "/a?b=1",
    '"',
    "é",
    "\n",
    "\u0130",
]


@given(st.lists(LINES, max_size=30).map(b"\r\n".join))
def test_any_octets_have_a_bounded_set_of_tokens_that_is_always_the_same(octets: bytes) -> None:
    found = tokens_of(octets)
    assert sorted(found) == sorted(tokens_of(octets))
    assert len(found) == len(set(found)) <= MAX_TOKENS
    assert all(len(token) <= MAX_TOKEN_CHARACTERS for token in found)
    assert all(-(2**63) <= hash_of(token) < 2**63 for token in found)


@given(st.text(max_size=200))
def test_any_text_has_words_without_blanks(text: str) -> None:
    assert all(word and not set(word) & set(" \t\r\n") for word in words_of(text))


@given(st.text(max_size=200))
def test_any_text_may_stand_behind_a_scheme(text: str) -> None:
    assert all(token.startswith("url:") for token in url_tokens(f"http://{text} https://{text}"))


@given(st.text("abz09$%!'-_., \u20ac\u00e9\u767a", max_size=12))
def test_short_words_are_those_of_ascii_with_one_sign_or_two(text: str) -> None:
    for word in words_of(text):
        assert (word in SHORT) is (word.isascii() and len(word) < MIN_CHARACTERS)


def test_words_keep_amounts_and_exclamations_and_lose_their_case() -> None:
    assert list(words_of("Only $1,000.50 -- It's FREE!!! for www.Example.com.")) == [
        "only",
        "$1,000.50",
        "it's",
        "free!!",
        "for",
        "www.example.com",
    ]


def test_a_word_that_is_too_long_tells_its_length_alone() -> None:
    assert list(words_of("x" * 37)) == ["long:x30"]
    assert list(words_of("y" * 100_000)) == ["long:y100"]


def test_scripts_without_blanks_are_taken_by_two_characters() -> None:
    assert list(words_of("発票代開 abc")) == ["発票", "票代", "代開", "abc"]


def test_html_is_taken_as_its_reader_sees_it() -> None:
    message = (
        b"Content-Type: text/html\r\n\r\n<style>hidden</style><p>Vi<!-- x -->ag<b>ra</b> today</p>"
        b"<a href='https://Shop.Pills.example/buy/now?id=1'>click</a>"
    )
    found = tokens_of(message)
    assert {"viagra", "today", "viagra today", "click"} <= set(found)
    assert "hidden" not in found
    assert {"url:shop.pills.example", "url:pills.example", "url:path:buy", "type:text/html"} <= set(found)


def test_encoded_texts_are_decoded() -> None:
    body = base64.encodebytes("Grüße aus Köln".encode())
    message = (
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= an alle\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + body
    )
    found = tokens_of(message)
    assert {"grüße", "köln", "subject:grüße", "subject:grüße an", "charset:utf-8", "encoding:base64"} <= set(
        found
    )


def test_fields_of_the_header_stand_before_their_tokens() -> None:
    message = (
        b"Received: from mx.pills.example (dsl-1.isp.example [192.0.2.77])\r\n"
        b" by mail.example.org; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
        b'From: "Cheap Pills" <Sales@Pills.example>\r\nTo: a@example.org, b@example.org\r\n'
        b"Date: Mon, 1 Jan 2024 00:00:00 +0800\r\nMessage-ID: <1@host.pills.example>\r\n"
        b"X-Mailer: MassMailer 3.1\r\nList-Unsubscribe: <https://u.pills.example/x>\r\n\r\nHello\r\n"
    )
    found = set(tokens_of(message))
    assert {"from:sales@pills.example", "from:@pills.example", "from:name:cheap", "to:some"} <= found
    assert {"received:192.0.2.77", "received:192.0.2", "received:dsl-1.isp.example"} <= found
    assert {"date:+0800", "message-id:pills.example", "x-mailer:massmailer"} <= found
    assert {"list-unsubscribe:", "list-url:pills.example"} <= found


def test_what_other_filters_have_written_is_passed_over() -> None:
    plain = b"From: a@example.org\r\n%b\r\nHello there\r\n"
    claims = b"X-Spam-Flag: YES\r\nX-Spam-Status: Yes, score=99 BAYES_99\r\nX-Bogosity: Spam\r\n"
    assert set(tokens_of(plain % claims)) == set(tokens_of(plain % b""))


def test_links_tell_where_they_lead() -> None:
    found = list(url_tokens("see http://www.bank.example@203.0.113.9:8080/login/verify now"))
    assert {"url:has a user", "url:host is an address", "url:port:8080", "url:203.0.113"} <= set(found)
    assert {"url:path:login", "url:path:verify"} <= set(found)
    assert domain_tokens("", "a.b.c.d.e.f.example")[0] == "c.d.e.f.example"


def test_attachments_tell_their_names() -> None:
    message = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/zip\r\n"
        b'Content-Disposition: attachment; filename="Invoice.PDF.exe"\r\n\r\nxx\r\n--b--\r\n'
    )
    found = {"file:invoice.pdf.exe", "file:.exe", "disposition:attachment", "type:application/zip"}
    assert found <= set(tokens_of(message))


def test_one_kind_of_token_does_not_crowd_out_another() -> None:
    header = b"".join(b"To: a%d@b%d.example\r\n" % (number, number) for number in range(2_000))
    links = b" ".join(b"http://h%d.example/" % number for number in range(2_000))
    found = tokens_of(header + b"Subject: pills\r\n\r\n" + b"viagra " + links)
    assert "viagra" in found
    assert len([token for token in found if token.startswith("url:")]) <= tokens.MAX_URL_TOKENS


@given(st.lists(st.sampled_from(LINKS), max_size=12).map("".join))
def test_links_are_found_wherever_the_expression_finds_them(text: str) -> None:
    assert [found.span() for found in urls._urls(text)] == [
        found.span() for found in urls._URL.finditer(text)
    ]
