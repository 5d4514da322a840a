"""What each extension adds, as words that must stand in a conversation, and what differs from its RFC."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`words` are commands, items and responses; each is searched for in the tests of its door."""

    name: str
    rfc: str
    words: tuple[str, ...]
    differs: str = ""


IMAP: tuple[Row, ...] = (
    Row(
        "IMAP4rev1",
        "RFC 3501",
        (
            *(
                "CAPABILITY",
                "NOOP",
                "LOGOUT",
                "STARTTLS",
                "AUTHENTICATE",
                "LOGIN",
                "SELECT",
                "EXAMINE",
                "CREATE",
            ),
            *(
                "DELETE",
                "RENAME",
                "SUBSCRIBE",
                "UNSUBSCRIBE",
                "LIST",
                "LSUB",
                "STATUS",
                "APPEND",
                "CHECK",
                "CLOSE",
            ),
            *(
                "EXPUNGE",
                "SEARCH",
                "FETCH",
                "STORE",
                "COPY",
                "UID FETCH",
                "UID STORE",
                "UID COPY",
                "UID SEARCH",
            ),
            *(
                "BADCHARSET",
                "TRYCREATE",
                "PERMANENTFLAGS",
                "UIDNEXT",
                "UIDVALIDITY",
                "UNSEEN",
                "RECENT",
                "BYE",
            ),
        ),
        "UNSEEN is left out of SELECT in mailboxes of more than 1,000 messages: finding it means reading them from "
        "the oldest on, and the RFC lets it be absent.",
    ),
    Row(
        "IMAP4rev2",
        "RFC 9051",
        ("ENABLE IMAP4rev2", "ESEARCH", "CLOSED", "NAMESPACE", "UNSELECT", "IDLE", "MOVE"),
        "What it leaves out of IMAP4rev1 (LSUB, CHECK, RFC822, STATUS RECENT) is still answered.",
    ),
    Row(
        "LITERAL+",
        "RFC 7888",
        ("+}",),
        "RFC 7888 section 5 forbids to tell LITERAL- beside it.",
    ),
    Row(
        "LITERAL-",
        "RFC 7888",
        ("4096+}",),
        "Told where LITERAL+ is switched off, for all or for one account.",
    ),
    Row("LOGINDISABLED", "RFC 3501", ("LOGINDISABLED",)),
    Row("SASL-IR", "RFC 4959", ("AUTHENTICATE PLAIN",)),
    Row("ENABLE", "RFC 5161", ("ENABLE", "ENABLED")),
    Row("ID", "RFC 2971", ("ID (", "* ID")),
    Row("IDLE", "RFC 2177", ("IDLE", "DONE")),
    Row(
        "NAMESPACE",
        "RFC 2342",
        ("NAMESPACE",),
        "There are no shared namespaces: what is shared is somebody's.",
    ),
    Row("UIDPLUS", "RFC 4315", ("APPENDUID", "COPYUID", "UID EXPUNGE"), "UIDNOTSTICKY never applies."),
    Row("UNSELECT", "RFC 3691", ("UNSELECT",)),
    Row("CHILDREN", "RFC 3348", ("\\HasChildren", "\\HasNoChildren")),
    Row(
        "LIST-EXTENDED",
        "RFC 5258",
        ("RECURSIVEMATCH", "CHILDINFO", "\\NonExistent", "\\Subscribed", "RETURN ("),
    ),
    Row("LIST-STATUS", "RFC 5819", ("RETURN (STATUS",)),
    Row("SPECIAL-USE", "RFC 6154", ("SPECIAL-USE", "\\Drafts", "\\Sent")),
    Row("CREATE-SPECIAL-USE", "RFC 6154", ("USE (", "USEATTR")),
    Row("MOVE", "RFC 6851", ("MOVE", "UID MOVE")),
    Row(
        "CONDSTORE",
        "RFC 7162",
        ("HIGHESTMODSEQ", "MODSEQ", "CHANGEDSINCE", "UNCHANGEDSINCE", "MODIFIED", "(CONDSTORE)"),
        "One mod-sequence a message: entry names in SEARCH MODSEQ and metadata items are read and not told apart.",
    ),
    Row("QRESYNC", "RFC 7162", ("(QRESYNC (", "VANISHED (EARLIER)", "VANISHED", "ENABLE QRESYNC")),
    Row("ESEARCH", "RFC 4731", ("ESEARCH", "RETURN (", "MIN", "MAX", "COUNT", "ALL")),
    Row("SEARCHRES", "RFC 5182", ("SAVE", "$")),
    Row("SORT", "RFC 5256", ("SORT (", "REVERSE", "ARRIVAL", "SUBJECT", "SIZE")),
    Row("SORT=DISPLAY", "RFC 5957", ("DISPLAYFROM", "DISPLAYTO")),
    Row("ESORT", "RFC 5267", ("SORT RETURN (",)),
    Row("THREAD=REFERENCES", "RFC 5256", ("THREAD REFERENCES",)),
    Row("THREAD=ORDEREDSUBJECT", "RFC 5256", ("THREAD ORDEREDSUBJECT",)),
    Row("WITHIN", "RFC 5032", ("OLDER", "YOUNGER")),
    Row(
        "QUOTA",
        "RFC 9208",
        ("GETQUOTA", "GETQUOTAROOT", "SETQUOTA", "OVERQUOTA"),
        "SETQUOTA is refused: limits belong to the administration. What others share shows no quota root.",
    ),
    Row("QUOTA=RES-STORAGE", "RFC 9208", ("STORAGE",)),
    Row("QUOTA=RES-MESSAGE", "RFC 9208", ("MESSAGE",)),
    Row("BINARY", "RFC 3516", ("BINARY[", "BINARY.PEEK[", "BINARY.SIZE[", "UNKNOWN-CTE", "~{")),
    Row("CATENATE", "RFC 4469", ("CATENATE (", "URL", "BADURL"), "URLs of the account's own messages alone."),
    Row("MULTIAPPEND", "RFC 3502", ("APPENDUID {validity} 1:3",)),
    Row("COMPRESS=DEFLATE", "RFC 4978", ("COMPRESS DEFLATE", "COMPRESSIONACTIVE")),
    Row(
        "OBJECTID",
        "RFC 8474",
        ("MAILBOXID", "EMAILID", "THREADID"),
        "THREADID is NIL: no server-side threads.",
    ),
    Row("SAVEDATE", "RFC 8514", ("SAVEDATE", "SAVEDSINCE")),
    Row("STATUS=SIZE", "RFC 8438", ("SIZE",)),
    Row("PREVIEW", "RFC 8970", ("PREVIEW", "PREVIEW (LAZY)")),
    Row("APPENDLIMIT", "RFC 7889", ("APPENDLIMIT", "TOOBIG")),
    Row(
        "METADATA",
        "RFC 5464",
        ("GETMETADATA", "SETMETADATA", "MAXSIZE", "DEPTH"),
        "Cannot be enabled: changes are told through NOTIFY.",
    ),
    Row("LIST-METADATA", "RFC 9590", ("RETURN (METADATA",)),
    Row(
        "NOTIFY",
        "RFC 5465",
        ("NOTIFY SET", "NOTIFY NONE", "MessageNew", "NOTIFICATIONOVERFLOW"),
        "Section 7, SEARCH RETURN (UPDATE (items)), is not read; RENAME of INBOX is told as a new mailbox.",
    ),
    Row(
        "ACL",
        "RFC 4314",
        ("SETACL", "GETACL", "DELETEACL", "LISTRIGHTS", "MYRIGHTS"),
        "No negative rights, no groups; identifiers are logins and `anyone`.",
    ),
    Row("RIGHTS=texk", "RFC 4314", ("lrswipkxtea",)),
    Row("LIST-MYRIGHTS", "RFC 8440", ("RETURN (MYRIGHTS",)),
    Row("REPLACE", "RFC 8508", ("REPLACE", "UID REPLACE")),
    Row(
        "UTF8=ACCEPT",
        "RFC 6855",
        ("ENABLE UTF8=ACCEPT", "UTF8 (~{"),
        "Messages with UTF-8 headers are told as they are to clients that have not enabled it.",
    ),
    Row("UIDONLY", "RFC 9586", ("ENABLE UIDONLY", "UIDFETCH", "UIDREQUIRED")),
    Row("PARTIAL", "RFC 9394", ("PARTIAL",)),
    Row("INPROGRESS", "RFC 9585", ("INPROGRESS",)),
    Row("MULTISEARCH", "RFC 7377", ("ESEARCH IN (",)),
    Row(
        "CONTEXT=SEARCH",
        "RFC 5267",
        ("UPDATE", "CANCELUPDATE", "ADDTO", "REMOVEFROM"),
        "No CONTEXT=SORT; ten contexts a session, NOUPDATE beyond.",
    ),
    Row("UNAUTHENTICATE", "RFC 8437", ("UNAUTHENTICATE",)),
    Row("I18NLEVEL=1", "RFC 5255", ("I18NLEVEL=1",)),
    Row("AUTH=PLAIN", "RFC 4616", ("AUTHENTICATE PLAIN",)),
    Row("AUTH=LOGIN", "draft-murchison-sasl-login", ("AUTHENTICATE LOGIN",)),
    Row("AUTH=SCRAM-SHA-256", "RFC 7677", ("SCRAM-SHA-256",)),
    Row(
        "AUTH=SCRAM-SHA-256-PLUS",
        "RFC 7677",
        ("SCRAM-SHA-256-PLUS",),
        "Channel binding by tls-server-end-point: tls-unique is not defined in TLS 1.3.",
    ),
    Row("AUTH=OAUTHBEARER", "RFC 7628", ("OAUTHBEARER",)),
    Row("AUTH=XOAUTH2", "XOAUTH2", ("XOAUTH2",)),
)

POP3: tuple[Row, ...] = (
    Row(
        "POP3",
        "RFC 1939",
        ("USER", "PASS", "STAT", "LIST", "RETR", "DELE", "NOOP", "RSET", "QUIT", "TOP", "UIDL"),
        "No APOP: it needs passwords that can be read.",
    ),
    Row("CAPA", "RFC 2449", ("CAPA", "IMPLEMENTATION", "EXPIRE NEVER", "PIPELINING", "RESP-CODES")),
    Row("LOGIN-DELAY", "RFC 2449", ("LOGIN-DELAY",)),
    Row("STLS", "RFC 2595", ("STLS",)),
    Row("AUTH-RESP-CODE", "RFC 3206", ("[AUTH]",)),
    Row("IN-USE", "RFC 2449", ("[IN-USE]",)),
    Row("SASL", "RFC 5034", ("AUTH PLAIN", "SCRAM-SHA-256")),
    Row("UTF8", "RFC 6856", ("UTF8",)),
    Row("LANG", "RFC 6856", ("LANG",)),
)

SMTP: tuple[Row, ...] = (
    Row(
        "SMTP",
        "RFC 5321",
        (
            *("EHLO", "HELO", "MAIL FROM", "RCPT TO", "DATA", "RSET", "NOOP", "VRFY", "EXPN", "HELP", "QUIT"),
            *("220", "221", "250", "252", "354", "421", "450", "451", "452"),
            *("500", "501", "502", "503", "530", "550", "552", "553", "554", "555"),
            *("Postmaster", "postmaster@[127.0.0.1]", "@hop.test", "[IPv6:2001:db8::1]"),
        ),
        "Who is banned, or speaks before the greeting, reads 554 and is not waited for until QUIT (section 3.1). "
        "EXPN is refused, VRFY tells nothing.",
    ),
    Row("PIPELINING", "RFC 2920", ("PIPELINING",)),
    Row("SIZE", "RFC 1870", ("SIZE", "SIZE=", "552 5.3.4")),
    Row("8BITMIME", "RFC 6152", ("8BITMIME", "BODY=8BITMIME")),
    Row("SMTPUTF8", "RFC 6531", ("SMTPUTF8", "553 5.6.7")),
    Row("CHUNKING", "RFC 3030", ("CHUNKING", "BDAT", "LAST")),
    Row("BINARYMIME", "RFC 3030", ("BINARYMIME", "BODY=BINARYMIME")),
    Row(
        "DSN",
        "RFC 3461",
        ("RET=HDRS", "ENVID=", "NOTIFY=", "ORCPT=rfc822;", "Action: delivered", "Action: expanded"),
        "Success is told to strangers unless the operator forbids it. Final-Recipient is the address that an alias has "
        "led to; a reply of several lines is told on one. Without RET a header comes back.",
    ),
    Row(
        "DELIVERBY",
        "RFC 2852",
        ("BY=600;RT", "501 5.5.4"),
        "On submission. Mode R goes to no server without it, so to few.",
    ),
    Row(
        "FUTURERELEASE",
        "RFC 4865",
        ("FUTURERELEASE 2592000", "HOLDFOR=", "HOLDUNTIL=", "552 5.7.16"),
        "On submission. A moment that is over is refused; HOLDUNTIL takes any zone.",
    ),
    Row("ENHANCEDSTATUSCODES", "RFC 2034", ("ENHANCEDSTATUSCODES", "250 2.1.5", "550 5.1.1", "550 5.7.1")),
    Row("STARTTLS", "RFC 3207", ("STARTTLS", "220 2.0.0", "530 5.7.0")),
    Row("REQUIRETLS", "RFC 8689", ("REQUIRETLS", "530 5.7.10")),
    Row("LIMITS", "RFC 9422", ("LIMITS RCPTMAX=", "452 4.5.3"), "RCPTMAX alone: nothing else is limited."),
    Row(
        "AUTH",
        "RFC 4954",
        ("AUTH PLAIN", "AUTH LOGIN", "235 2.7.0", "334", "535 5.7.8", "501 5.7.0"),
        "On submission.",
    ),
    Row("Submission", "RFC 6409", ("450 4.7.1", "553 5.7.1")),
    Row("Results of authentication", "RFC 7372", ("550 5.7.26",)),
    Row("Greylisting", "RFC 6647", ("451 4.7.1",)),
)
LMTP: tuple[Row, ...] = (
    Row(
        "LMTP",
        "RFC 2033",
        ("LHLO", "220 mx.example.test LMTP", "503 5.5.1", "452 4.2.2"),
        "Off unless a setting gives it a port.",
    ),
)

LEFT_OUT: tuple[tuple[str, str, str], ...] = (
    ("SMTP", "EXPN, and VRFY that confirms", "Who has an address here is told to nobody who asks."),
    ("SMTP", "ETRN, ATRN, TURN", "Hosts that are seldom on line are no customers of this one."),
    ("SMTP", "BURL, MT-PRIORITY, NO-SOLICITING", "No client in use asks for them."),
    (
        "IMAP",
        "AUTH=CRAM-MD5, AUTH=DIGEST-MD5, APOP",
        "They need passwords that can be read, and MD5 is broken.",
    ),
    ("IMAP", "URLAUTH, BURL", "No client in use asks for them; a URL that opens mail is a risk of its own."),
    ("IMAP", "CONVERT, LANGUAGE, ANNOTATE-EXPERIMENT-1", "No client in use asks for them."),
    (
        "IMAP",
        "FILTERS, SEARCH=FUZZY",
        "Searches are exact, and those who want stored ones have them in webmail.",
    ),
    ("IMAP", "LOGIN-REFERRALS, MAILBOX-REFERRALS", "Every mailbox of an account is on one host."),
    ("IMAP", "THREAD=REFS", "Never became a standard."),
    ("IMAP", "JMAPACCESS", "There is no JMAP yet."),
    ("POP3", "APOP, XTND", "APOP needs passwords that can be read; nobody asks for XTND."),
)
