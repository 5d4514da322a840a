"""CAPABILITY (RFC 3501 section 7.2.1): what this server can do, as data."""

import functools
from dataclasses import dataclass
from enum import Enum, auto

from mailhost.protocols.imap.states import State


class Told(Enum):
    """When a capability is told; a client may cache neither list across the login."""

    ALWAYS = auto()
    AFTER_LOGIN = auto()


@dataclass(frozen=True, slots=True)
class Extension:
    """One capability. `word` may hold `{…}` for values of this host."""

    word: str
    rfc: str
    told: Told = Told.AFTER_LOGIN
    goes_with: str = ""
    """Another capability, without which it is not told either."""
    instead_of: str = ""
    """Another capability, beside which it must not be told (RFC 7888 section 5): only where that one is off."""

    @property
    def name(self) -> str:
        """What it is switched off by: the word without a value of this host."""
        return self.word.partition("={")[0]


EXTENSIONS: tuple[Extension, ...] = (
    Extension("IMAP4rev1", "RFC 3501", Told.ALWAYS),
    Extension("IMAP4rev2", "RFC 9051", Told.ALWAYS),
    Extension("LITERAL+", "RFC 7888", Told.ALWAYS),
    Extension("LITERAL-", "RFC 7888", Told.ALWAYS, instead_of="LITERAL+"),
    Extension("ID", "RFC 2971", Told.ALWAYS),
    Extension("SASL-IR", "RFC 4959", Told.ALWAYS),
    Extension("IDLE", "RFC 2177", Told.ALWAYS),
    Extension("COMPRESS=DEFLATE", "RFC 4978"),
    Extension("ENABLE", "RFC 5161"),
    Extension("CONDSTORE", "RFC 7162"),
    Extension("QRESYNC", "RFC 7162", goes_with="CONDSTORE"),
    Extension("UIDONLY", "RFC 9586"),
    Extension("UNAUTHENTICATE", "RFC 8437"),
    Extension("UTF8=ACCEPT", "RFC 6855"),
    Extension("NAMESPACE", "RFC 2342"),
    Extension("UIDPLUS", "RFC 4315"),
    Extension("UNSELECT", "RFC 3691"),
    Extension("CHILDREN", "RFC 3348"),
    Extension("MOVE", "RFC 6851"),
    Extension("SPECIAL-USE", "RFC 6154"),
    Extension("CREATE-SPECIAL-USE", "RFC 6154"),
    Extension("LIST-EXTENDED", "RFC 5258"),
    Extension("LIST-STATUS", "RFC 5819"),
    Extension("STATUS=SIZE", "RFC 8438"),
    Extension("METADATA", "RFC 5464"),
    Extension("LIST-METADATA", "RFC 9590", goes_with="METADATA"),
    Extension("QUOTA", "RFC 9208"),
    Extension("QUOTA=RES-STORAGE", "RFC 9208", goes_with="QUOTA"),
    Extension("QUOTA=RES-MESSAGE", "RFC 9208", goes_with="QUOTA"),
    Extension("PREVIEW", "RFC 8970"),
    Extension("BINARY", "RFC 3516"),
    Extension("MULTIAPPEND", "RFC 3502"),
    Extension("CATENATE", "RFC 4469"),
    Extension("REPLACE", "RFC 8508"),
    Extension("APPENDLIMIT={append_limit}", "RFC 7889"),
    Extension("OBJECTID", "RFC 8474"),
    Extension("SAVEDATE", "RFC 8514"),
    Extension("INPROGRESS", "RFC 9585"),
    Extension("NOTIFY", "RFC 5465"),
    Extension("ACL", "RFC 4314"),
    Extension("RIGHTS=texk", "RFC 4314", goes_with="ACL"),
    Extension("LIST-MYRIGHTS", "RFC 8440", goes_with="ACL"),
    Extension("ESEARCH", "RFC 4731"),
    Extension("SEARCHRES", "RFC 5182"),
    Extension("WITHIN", "RFC 5032"),
    Extension("PARTIAL", "RFC 9394"),
    Extension("MULTISEARCH", "RFC 7377"),
    Extension("I18NLEVEL=1", "RFC 5255"),
    Extension("CONTEXT=SEARCH", "RFC 5267"),
    Extension("SORT", "RFC 5256"),
    Extension("SORT=DISPLAY", "RFC 5957"),
    Extension("ESORT", "RFC 5267"),
    Extension("THREAD=ORDEREDSUBJECT", "RFC 5256"),
    Extension("THREAD=REFERENCES", "RFC 5256"),
)


# What can be switched off: all but the protocol itself.
SWITCHES = frozenset(extension.word for extension in EXTENSIONS) - {"IMAP4rev1"}
KNOWN_LISTS = 256  # told lately; every connection asks for two of a handful


@functools.lru_cache(maxsize=KNOWN_LISTS)
def capabilities(
    state: State,
    *,
    may_start_tls: bool,
    may_log_in: bool,
    mechanisms: tuple[str, ...],
    switched_off: frozenset[str] = frozenset(),
    append_limit: int = 0,
) -> str:
    """What is told now. LOGINDISABLED and the mechanisms say what this connection may do right now."""
    is_signed_in = state is not State.NOT_AUTHENTICATED
    words = [
        extension.word.format(append_limit=append_limit)
        for extension in EXTENSIONS
        if (is_signed_in or extension.told is Told.ALWAYS)
        and (not extension.instead_of or extension.instead_of in switched_off)
        and switched_off.isdisjoint({extension.name, extension.goes_with})
    ]
    if not is_signed_in:
        words += ["STARTTLS"] if may_start_tls else []
        words += [f"AUTH={mechanism}" for mechanism in mechanisms]
        words += [] if may_log_in else ["LOGINDISABLED"]
    return " ".join(words)
