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
        S: * OK [MAILBOXID (…)] …
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


def test_the_limit_is_told_to_who_may_append(talk: Talk) -> None:
    from django.conf import settings

    limit = settings.MAX_MESSAGE_OCTETS
    talk(f"""
        C: a CAPABILITY
        S: * CAPABILITY … APPENDLIMIT={limit}…
        S: a OK …
        C: b APPEND INBOX {{{limit + 1}}}
        S: b NO [TOOBIG] …
        C: c STATUS INBOX (APPENDLIMIT)
        S: * STATUS INBOX (APPENDLIMIT {limit})
        S: c OK …
    """)


def test_several_messages_are_appended_together(talk: Talk) -> None:
    talk("""
        1C: s SELECT INBOX
        1S~ s OK …
        1C| b APPEND INBOX (\\\\Seen) {14+}\\r\\nSubject: one\\r\\n "07-Feb-1994 21:52:25 +0000" ~{3+}\\r\\ntwo
        1C|  {5+}\\r\\nthree\\r\\n
        1S: * 3 EXISTS
        1S: * 3 RECENT
        1S: b OK [APPENDUID {validity} 1:3] APPEND completed
        1C: c FETCH 1:3 (FLAGS INTERNALDATE RFC822.SIZE)
        1S: * 1 FETCH (FLAGS (\\Seen \\Recent) INTERNALDATE … RFC822.SIZE 14)
        1S: * 2 FETCH (FLAGS (\\Recent) INTERNALDATE " 7-Feb-1994 21:52:25 +0000" RFC822.SIZE 3)
        1S: * 3 FETCH (FLAGS (\\Recent) INTERNALDATE … RFC822.SIZE 5)
        1S: c OK …
    """)


def test_several_messages_are_appended_all_or_none(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    talk("""
        C| b APPEND INBOX {3+}\\r\\none {0+}\\r\\n\\r\\n
        S: b NO [CANNOT] …
        C| c APPEND INBOX {3+}\\r\\none (\\\\Nonsense) {3+}\\r\\ntwo\\r\\n
        S: c BAD …
        C| d APPEND Nowhere {3+}\\r\\none {3+}\\r\\ntwo\\r\\n
        S: d NO [TRYCREATE] …
    """)
    Account.objects.filter(login=login).update(quota_octets=5)
    talk("""
        C| e APPEND INBOX {3+}\\r\\none {3+}\\r\\ntwo\\r\\n
        S: e NO [OVERQUOTA] …
        C: f STATUS INBOX (MESSAGES UIDNEXT)
        S: * STATUS INBOX (MESSAGES 0 UIDNEXT 1)
        S: f OK …
        C| g APPEND INBOX {5+}\\r\\nthree\\r\\n
        S: g OK [APPENDUID {validity} 1] …
    """)


def test_nuls_come_in_as_literal8_and_go_out_as_they_are(talk: Talk) -> None:
    talk("""
        C: s SELECT INBOX
        S~ s OK …
        C: a APPEND INBOX ~{16}
        S: + …
        C| Subject: x\\r\\n\\r\\n\\x00a\\r\\n
        S~ a OK [APPENDUID {validity} 1] APPEND completed
        C: b FETCH 1 BINARY[1]
        S: * 1 FETCH (BINARY[1] ~{2}
        S: \x00a FLAGS (\\Seen \\Recent))
        S: b OK FETCH completed
    """)


def test_the_utf8_form_is_for_who_has_enabled_it(talk: Talk) -> None:
    talk("""
        C| a APPEND INBOX UTF8 (~{3+}\\r\\none)\\r\\n
        S: a BAD …
        C: b ENABLE UTF8=ACCEPT
        S: * ENABLED UTF8=ACCEPT
        S: b OK …
        C| c APPEND INBOX UTF8 (~{3+}\\r\\none)\\r\\n
        S: c OK [APPENDUID {validity} 1] APPEND completed
    """)


def test_forms_that_are_switched_off_are_not_understood(talk: Talk, login: str) -> None:
    from mailboxes.models import Account

    Account.objects.filter(login=login).update(
        imap_switched_off=["MULTIAPPEND", "BINARY", "CATENATE", "REPLACE"]
    )
    talk("""
        C| a APPEND INBOX {3+}\\r\\none {3+}\\r\\ntwo\\r\\n
        S: a BAD …
        C| b APPEND INBOX ~{3+}\\r\\none\\r\\n
        S: b BAD …
        C| c APPEND INBOX CATENATE (TEXT {3+}\\r\\none)\\r\\n
        S: c BAD …
        C: s SELECT INBOX
        S~ s OK …
        C| d REPLACE 1 INBOX {3+}\\r\\none\\r\\n
        S: d BAD …
        C| e APPEND INBOX {3+}\\r\\none\\r\\n
        S~ e OK …
    """)


def test_a_message_that_is_appended_to_junk_is_a_lesson(talk: Talk) -> None:
    from mailboxes.models import SITE, Lesson

    before = Lesson.objects.filter(scope=SITE).count()
    talk("""
        C: a APPEND Junk {14+}
        C| Subject: x\\r\\n\\r\\n\\r\\n
        S: a OK [APPENDUID …] APPEND completed
        C: b APPEND INBOX {14+}
        C| Subject: x\\r\\n\\r\\n\\r\\n
        S: b OK [APPENDUID …] APPEND completed
    """)
    assert Lesson.objects.filter(scope=SITE).count() == before + 1
