"""What SEARCH and SORT answer, each in the form that was asked for; and what becomes of `$` (RFC 5182)."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mailboxes.imap.finding import asks_modseq, numbers_of, to_saved
from mailboxes.imap.refusals import WORDED, Refused
from mailboxes.imap.session import Session
from mailboxes.store.search import highest_modseq
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Search
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.search_keys import (
    AgeIs,
    EmailIdIs,
    ModseqIs,
    Nothing,
    SavedDateIs,
    SearchKey,
    any_leaf,
)
from mailhost.protocols.imap.search_options import OPTIONS, ReturnOptions
from mailhost.protocols.imap.search_responses import esearch_response, return_data, search_response, told_of
from mailhost.protocols.imap.sorting import Sort

# The capability that each key comes with.
KEYS: dict[type[SearchKey], str] = {
    AgeIs: "WITHIN",
    ModseqIs: "CONDSTORE",
    SavedDateIs: "SAVEDATE",
    EmailIdIs: "OBJECTID",
    Nothing: "OBJECTID",
}
MAX_SAVED = 1_000_000  # 4 MB of a session; above that `$` is refused (RFC 5182 section 2.1.3: NOTSAVED)


async def answer(
    session: Session, command: Search | Sort, uids: Sequence[int], *, returns: ReturnOptions | None
) -> None:
    """Tell the results, which are UIDs of the session's view in the order that was asked for."""
    told = uids if returns is None else told_of(returns, uids)
    modseq = None
    if asks_modseq(command.key):
        session.enable("CONDSTORE")  # RFC 7162 section 3.1: a CONDSTORE enabling command
        modseq = await in_store(highest_modseq, mailbox_id=session.mailbox.mailbox_id, uids=told)
    numbers = numbers_of(await session.mailbox.view(), uids, by_uid=command.by_uid)
    if returns is None:
        word = "SORT" if isinstance(command, Sort) else "SEARCH"
        await session.tell(search_response(word, numbers, modseq))
        return
    if "SAVE" in returns.words:
        save(session, told)
    if returns.tells_something:
        data = return_data(returns, numbers, modseq)
        await session.tell(esearch_response(session.tag, data, by_uid=command.by_uid))


def save(session: Session, uids: Sequence[int]) -> None:
    """What `$` means from now on. Raises Refused."""
    if len(uids) > MAX_SAVED:
        raise Refused("The result is too large to be saved.", "NOTSAVED")
    session.mailbox.saved = to_saved(uids)


@contextmanager
def emptied_on_refusal(session: Session, returns: ReturnOptions | None) -> Iterator[None]:
    """RFC 5182 section 2.1: a NO to a command with SAVE empties `$`, a BAD leaves it."""
    try:
        yield
    except WORDED:
        if returns is not None and "SAVE" in returns.words:
            session.mailbox.saved = array("I")
        raise


def refuse_switched_off(session: Session, key: SearchKey, returns: ReturnOptions | None = None) -> None:
    """Raises ImapSyntaxError for a return option or a key that this account is not to know."""
    unknown = set(session.switched_off)
    if "IMAP4rev2" in session.enabled:
        unknown -= {"ESEARCH", "SEARCHRES"}  # RFC 9051 has them itself
    if not unknown:
        return
    for word in sorted(returns.words) if returns is not None else ():
        if OPTIONS[word] in unknown:
            raise ImapSyntaxError(f"{word} is not a return option")
    if any_leaf(key, lambda leaf: KEYS.get(type(leaf)) in unknown):
        raise ImapSyntaxError("that is not a search key")
