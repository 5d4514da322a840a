"""Messages that parsers stumble over, each as it may arrive."""

CRLF = b"\r\n"


def lines(*text: str) -> bytes:
    """Lines of Latin-1, each with its CRLF."""
    return b"".join(line.encode("latin-1") + CRLF for line in text)


NESTED = lines(
    "Content-Type: multipart/mixed; boundary=outer",
    "",
    "preamble",
    "--outer",
    "Content-Type: multipart/alternative; boundary=inner",
    "",
    "--inner",
    "",
    "plain",
    "--inner",
    "Content-Type: text/html",
    "",
    "<p>",
    "--inner--",
    "between",
    "--outer",
    "Content-Type: message/rfc822",
    "",
    "Subject: =?utf-8?q?in?=",
    "From: a@example.test",
    "Content-Type: multipart/digest; boundary=digest",
    "",
    "--digest",
    "",
    "Subject: digested",
    "",
    "text",
    "--digest--",
    "--outer--",
    "epilogue",
)
RFC_2231 = lines(
    'Content-Type: application/octet-stream; name*0*=utf-8\'de\'%C3%BC; name*1=b.bin; x="a\\"b"; flag',
    "Content-Disposition: attachment; filename*=iso-8859-1'en'%FC.bin",
    "Content-Language: de, en",
    "Content-ID: <1@example.test>",
    'Content-Description: a "thing"',
    "Content-Location: http://example.test/",
    "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",
    "",
    "x",
)
GROUPS = lines(
    "Date: Mon, 6 May 2024 09:00:00 +0200 (CEST)",
    'From: The "Boss" <@relay.example.test:boss@example.test> (comment)',
    'Sender: "S\\\\x" <s@example.test>',
    "To: undisclosed-recipients:;",
    "Cc: Friends: Ann <ann@example.test>, bob@example.test;, carl@example.test",
    "Bcc: nobody",
    "Reply-To: ",
    "Subject: =?utf-8?b?w7w=?= =?iso-8859-1?q?=FC?=",
    "In-Reply-To: <a@example.test>",
    " <b@example.test>",
    "Message-ID:<c@example.test>",
    "",
)
RAW_8_BIT = lines("From: J\u00fcrgen <j@example.test>", "Subject: Gr\u00fc\u00dfe", "", "Gr\u00fc\u00dfe")
NO_BOUNDARY = lines("Content-Type: multipart/mixed", "", "--x", "", "text")
UNSEEN_BOUNDARY = lines("Content-Type: multipart/mixed; boundary=x", "", "nothing like it")
EMPTY_PARTS = b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n--x\r\n\r\n--x\r\n\r\n\r\n--x--"
NO_BODY = b"Subject: only a header\r\n"
NO_HEADER = b"\r\nonly a body\r\n"
NULS = b'Subject: a\0b\r\nFrom: "\0" <x\0@example.test>\r\n\r\n\0\r\n'
BARE_LINE_FEEDS = (
    b"Subject: lf\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\none\n--x\n\ntwo\r\n--x--\n"
)
UNKNOWN_ENCODING = lines("Content-Transfer-Encoding: x-none", "", "x")
ENCODED_MESSAGE = lines(
    "Content-Type: multipart/mixed; boundary=x",
    "",
    "--x",
    "Content-Type: message/rfc822",
    "Content-Transfer-Encoding: base64",
    "",
    "U3ViamVjdDogeA0KDQp4",
    "--x--",
)


def many_parts(count: int) -> bytes:
    """A multipart with so many parts, each with its number."""
    parts = b"".join(b"--x\r\n\r\n%d\r\n" % number for number in range(1, count + 1))
    return b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + parts + b"--x--\r\n"


def deep(depth: int) -> bytes:
    """Multiparts in multiparts, and a text in the innermost."""
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level)
        for level in range(depth)
    )
    return opened + b"\r\ndeep\r\n" + b"".join(b"--b%d--\r\n" % level for level in range(depth - 1, -1, -1))
