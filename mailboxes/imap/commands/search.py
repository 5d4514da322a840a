"""SEARCH and UID SEARCH (RFC 3501 section 6.4.4; RFC 9051 section 6.4.4; RETURN as in RFC 4731, RFC 5182, RFC 9394)."""

from array import array
from collections.abc import Sequence

from django.utils import timezone

from mailboxes.imap.finding import asks_modseq, find, names_numbers, numbers_of, resolve, to_saved
from mailboxes.imap.refusals import WORDED, Refused
from mailboxes.imap.session import Session
from mailboxes.store.search import highest_modseq
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import Search
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.search_options import EVERYTHING, OPTIONS, ReturnOptions
from mailhost.protocols.imap.search_responses import esearch_response, return_data, search_response, told_of

MAX_SAVED = 1_000_000  # 4 MB of a session; above that `$` is refused (RFC 5182 section 2.1.3: NOTSAVED)


async def search(session: Session, command: Search) -> Reply:
    returns = command.returns
    refuse_switched_off(session, returns)
    if returns is None and "IMAP4rev2" in session.enabled:
        returns = EVERYTHING  # RFC 9051 section 6.4.4: the result is told in an ESEARCH response
    try:
        await _search(session, command, returns)
    except WORDED:
        if returns is not None and "SAVE" in returns.words:
            session.mailbox.saved = array("I")  # RFC 5182 section 2.1: a NO empties it
        raise
    return ok("")


async def _search(session: Session, command: Search, returns: ReturnOptions | None) -> None:
    selected = session.mailbox
    # Arrivals are found and told. Expunges are where no number in the command could come to mean something else.
    may_tell_expunges = command.by_uid and not names_numbers(command.key)
    await session.tell_changes(may_tell_expunges=may_tell_expunges)
    key = resolve(command.key, selected, await selected.view(), timezone.now())
    uids = await find(session, key)
    told = uids if returns is None else told_of(returns, uids)
    modseq = None
    if asks_modseq(command.key):
        session.enable("CONDSTORE")
        modseq = await in_store(highest_modseq, mailbox_id=selected.mailbox_id, uids=told)
    numbers = numbers_of(await selected.view(), uids, by_uid=command.by_uid)
    if returns is None:
        await session.send(search_response("SEARCH", numbers, modseq))
        return
    save(session, returns, told)
    if returns.tells_something:
        data = return_data(returns, numbers, modseq)
        await session.send(esearch_response(session.tag, data, by_uid=command.by_uid))


def save(session: Session, returns: ReturnOptions, told: Sequence[int]) -> None:
    """What `$` means from now on, if the command asks for that. Raises Refused."""
    if "SAVE" not in returns.words:
        return
    if len(told) > MAX_SAVED:
        raise Refused("The result is too large to be saved.", "NOTSAVED")
    session.mailbox.saved = to_saved(told)


def refuse_switched_off(session: Session, returns: ReturnOptions | None) -> None:
    """Raises ImapSyntaxError for a return option that this account is not to know."""
    unknown = set(session.switched_off)
    if "IMAP4rev2" in session.enabled:
        unknown -= {"ESEARCH", "SEARCHRES"}  # RFC 9051 has them itself
    for word in sorted(returns.words) if unknown and returns is not None else ():
        if OPTIONS[word] in unknown:
            raise ImapSyntaxError(f"{word} is not a return option")
