"""The usual command sequences of mail clients, as they go over the wire, and imaplib of the standard library."""

import imaplib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_thunderbird(talk: Talk, put: Put) -> None:
    """Looks once, fetches flags and headers of what is new by UID, and writes Sent and Trash itself."""
    put("one")
    put("two")
    talk("""
        1C: 1 ID ("name" "Thunderbird" "version" "115.6.0")
        1S: * ID ("name" "mailhost")
        1S: 1 OK …
        1C: 2 namespace
        1S: * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
        1S: 2 OK …
        1C: 3 list (subscribed) "" "*" return (special-use)
        1S: * LIST (\\HasNoChildren \\Subscribed \\Archive) "/" Archive
        1S~ 3 OK …
        1C: 4 list "" "INBOX"
        1S: * LIST (\\HasNoChildren) "/" INBOX
        1S: 4 OK …
        1C: 5 select "INBOX"
        1S~ * OK [UIDNEXT 3] …
        1S: * OK [HIGHESTMODSEQ 3] …
        1S: 5 OK [READ-WRITE] …
        1C: 6 UID fetch 1:* (FLAGS)
        1S: * 1 FETCH (UID 1 FLAGS (\\Recent))
        1S: * 2 FETCH (UID 2 FLAGS (\\Recent))
        1S: 6 OK …
        1C: 7 UID fetch 1:2 (UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID Priority X-Priority References Newsgroups In-Reply-To Content-Type Reply-To)])
        1S: * 1 FETCH (UID 1 RFC822.SIZE {size} FLAGS (\\Recent) BODY[HEADER.FIELDS (From To …Reply-To)] {…}
        1S~ 7 OK …
        1C: 8 IDLE
        1S: + idling
        1C: DONE
        1S: 8 OK …
        1C: 9 UID fetch 2 (UID RFC822.SIZE BODY.PEEK[])
        1S: * 2 FETCH (UID 2 RFC822.SIZE …
        1S~ 9 OK …
        1C: 10 uid store 2 +Flags (\\Seen)
        1S: * 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))
        1S: 10 OK …
        1C: 11 uid move 2 "Trash"
        1S: * OK [COPYUID …] …
        1S: * 2 EXPUNGE
        1S: * 1 RECENT
        1S: 11 OK …
        2C: 1 append "Sent" (\\Seen) {25+}
        2C| Subject: sent\\r\\n\\r\\nbody!!\\r\\n\\r\\n
        2S: 1 OK [APPENDUID …] …
        2C: 2 getquotaroot "INBOX"
        2S: * QUOTAROOT INBOX ""
        2S: * QUOTA "" ()
        2S: 2 OK …
        2C: 3 select "Sent"
        2S~ 3 OK …
        2C: 4 uid search undeleted
        2S: * SEARCH 1
        2S: 4 OK …
        2C: 5 close
        2S: 5 OK …
        2C: 6 logout
        2S: * BYE …
        2S: 6 OK …
        2S!
    """)


def test_apple_mail(talk: Talk, put: Put) -> None:
    """Asks for structure first, then for parts; keeps one IDLE and several other connections."""
    from tests.conversations.imap.messages import MULTIPART

    put(MULTIPART)
    talk("""
        1C: 1.1 ID ("name" "Mac OS X Mail" "version" "16.0" "os" "Mac OS X" "os-version" "14.1" "vendor" "Apple Inc.")
        1S~ 1.1 OK …
        1C: 2.1 LIST "" "*"
        1S~ 2.1 OK …
        1C: 3.1 LSUB "" "*"
        1S~ 3.1 OK …
        1C: 4.1 STATUS INBOX (MESSAGES UNSEEN UIDNEXT UIDVALIDITY)
        1S: * STATUS INBOX (MESSAGES 1 UNSEEN 1 UIDNEXT 2 UIDVALIDITY {validity})
        1S: 4.1 OK …
        1C: 5.1 SELECT INBOX
        1S~ 5.1 OK …
        1C: 6.1 FETCH 1:1 (FLAGS UID)
        1S: * 1 FETCH (FLAGS (\\Recent) UID 1)
        1S: 6.1 OK …
        1C: 7.1 UID FETCH 1 (INTERNALDATE UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (date subject from to cc message-id in-reply-to references content-type x-priority x-uniform-type-identifier x-universally-unique-identifier list-id list-unsubscribe)])
        1S~ 7.1 OK …
        1C: 8.1 UID FETCH 1 (BODYSTRUCTURE BODY.PEEK[HEADER])
        1S: * 1 FETCH (UID 1 BODYSTRUCTURE (("text" "plain" …"message" "rfc822" …"mixed" ("boundary" "outer") NIL NIL NIL) BODY[HEADER] {…}
        1S~ 8.1 OK …
        1C: 9.1 UID FETCH 1 BODY.PEEK[1]<0.5>
        1S: * 1 FETCH (UID 1 BODY[1]<0> {5}
        1S: R3LDv)
        1S: 9.1 OK …
        1C: 10.1 UID STORE 1 +FLAGS.SILENT (\\Seen $NotJunk)
        1S: 10.1 OK …
        1C: 11.1 UID SEARCH 1:* NOT DELETED
        1S: * SEARCH 1
        1S: 11.1 OK …
        1C: 12.1 UID COPY 1 Archive
        1S: 12.1 OK [COPYUID …] …
        1C: 13.1 UID STORE 1 +FLAGS.SILENT (\\Deleted)
        1S: 13.1 OK …
        1C: 14.1 UID EXPUNGE 1
        1S: * 1 EXPUNGE
        1S: * 0 RECENT
        1S: 14.1 OK …
        1C: 15.1 IDLE
        1S: + idling
        1C: DONE
        1S: 15.1 OK …
        1C: 16.1 LOGOUT
        1S~ 16.1 OK …
    """)


def test_outlook(talk: Talk, put: Put) -> None:
    """Pipelines little, fetches by UID windows, and asks with UID SEARCH for what it lacks."""
    put("one")
    talk("""
        C: a1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 …
        S: a1 OK …
        C: a2 ID ("name" "Microsoft Outlook" "version" "16.0")
        S~ a2 OK …
        C: a3 LIST "" "" RETURN (SPECIAL-USE)
        S: a3 OK …
        C: a4 LIST (SPECIAL-USE) "" "*"
        S~ a4 OK …
        C: a5 LSUB "" "*"
        S~ a5 OK …
        C: a6 SELECT "INBOX"
        S~ a6 OK …
        C: a7 UID SEARCH SINCE 1-Jan-2024 UNDELETED
        S: * SEARCH 1
        S: a7 OK …
        C: a8 UID FETCH 1:1 (UID FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER])
        S: * 1 FETCH (UID 1 FLAGS (\\Recent) RFC822.SIZE …
        S~ a8 OK …
        C: a9 UID FETCH 1 (BODY.PEEK[] UID)
        S: * 1 FETCH (BODY[] {…}
        S~  UID 1)
        S: a9 OK …
        C: b1 UID STORE 1 +FLAGS (\\Deleted \\Seen)
        S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Deleted \\Recent))
        S: b1 OK …
        C: b2 EXPUNGE
        S: * 1 EXPUNGE
        S: * 0 RECENT
        S: b2 OK …
        C: b3 NOOP
        S: b3 OK …
        C: b4 CREATE "Conversation History"
        S: b4 OK …
        C: b5 SUBSCRIBE "Conversation History"
        S: b5 OK …
        C: b6 STATUS "Conversation History" (UIDNEXT UIDVALIDITY UNSEEN RECENT MESSAGES)
        S: * STATUS "Conversation History" (UIDNEXT 1 UIDVALIDITY {v} UNSEEN 0 RECENT 0 MESSAGES 0)
        S: b6 OK …
    """)


def test_imaplib(doors: "Doors", login: str) -> None:
    with imaplib.IMAP4("127.0.0.1", doors.plain) as client:
        assert client.login(login, "correct horse")[0] == "OK"
        assert client.create("Entwurf")[0] == "OK"
        status, found = client.list()
        assert status == "OK"
        assert len(found) == 7
        status, _ = client.append(
            "INBOX", "(\\Seen)", imaplib.Time2Internaldate(0), b"Subject: x\r\n\r\nbody\r\n"
        )
        assert status == "OK"
        assert client.select()[1] == [b"1"]
        assert client.search(None, "SUBJECT", "x")[1] == [b"1"]
        message = client.fetch("1", "(RFC822)")[1][0]
        assert isinstance(message, tuple)
        assert message[1] == b"Subject: x\r\n\r\nbody\r\n"
        assert client.uid("STORE", "1", "+FLAGS", "(\\Deleted)")[0] == "OK"
        assert client.expunge()[1] == [b"1"]
        assert client.close()[0] == "OK"
        assert client.status("INBOX", "(MESSAGES)")[1] == [b"INBOX (MESSAGES 0)"]
