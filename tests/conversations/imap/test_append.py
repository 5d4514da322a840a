"""APPEND in conversation (RFC 3501 section 6.3.11, RFC 4315, RFC 7888)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]


def test_an_appended_message_is_told_and_read_back_octet_for_octet(talk: Talk) -> None:
    talk("""
        C: a SELECT INBOX
        S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)
        S: * OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*)] …
        S: * 0 EXISTS
        S: * 0 RECENT
        S: * OK [UIDVALIDITY {validity}] …
        S: * OK [UIDNEXT 1] …
        S: * OK [HIGHESTMODSEQ 1] …
        S: a OK [READ-WRITE] SELECT completed
        C: b APPEND INBOX (\\Seen $Label1) " 7-Feb-1994 21:52:25 -0800" {27}
        S: + …
        C| Subject: Hello\\r\\n\\r\\nbody!\\n\\x00\\r\\n\\r\\n
        S: * 1 EXISTS
        S: * 1 RECENT
        S: b OK [APPENDUID {validity} 1] APPEND completed
        C: c FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE UID BODY.PEEK[TEXT])
        S: * 1 FETCH (FLAGS (\\Seen \\Recent $Label1) INTERNALDATE " 8-Feb-1994 05:52:25 +0000" RFC822.SIZE 27 UID 1 BODY[TEXT] {9}
        S: body!
        S: …
        S: )
        S: c OK FETCH completed
    """)
