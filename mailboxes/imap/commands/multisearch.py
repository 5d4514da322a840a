"""ESEARCH (RFC 7377): several mailboxes, searched one after the other, each told as soon as it is known."""

from collections.abc import Sequence

from django.utils import timezone

from mailboxes.imap.contexts import as_of
from mailboxes.imap.finding import (
    END_OF_UIDS,
    asks_modseq,
    find,
    names_numbers,
    resolve,
    searching,
    uids_up_to,
)
from mailboxes.imap.mailbox_filters import pick
from mailboxes.imap.progress import with_progress
from mailboxes.imap.search_answers import emptied_on_refusal, refuse_switched_off, save
from mailboxes.imap.session import Session
from mailboxes.imap.telling import tell_changes
from mailboxes.store.rights import list_all
from mailboxes.store.search import highest_modseq, last_uid
from mailboxes.store.search import search as search_messages
from mailboxes.store.values import MailboxEntry
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.flags import RECENT
from mailhost.protocols.imap.multisearch import MultiSearch
from mailhost.protocols.imap.responses import Reply, ok
from mailhost.protocols.imap.search_keys import (
    Everything,
    HasFlag,
    SearchKey,
    SequenceNumbers,
    Uids,
    UidSet,
    any_leaf,
    with_leaves,
)
from mailhost.protocols.imap.search_responses import esearch_response, no_update, return_data, told_of


async def multisearch(session: Session, command: MultiSearch) -> Reply:
    _refuse(session, command)
    with emptied_on_refusal(session, command.returns):
        if session.selected is not None:
            await tell_changes(session, may_tell_expunges=not names_numbers(command.key), is_asked=True)
        if asks_modseq(command.key):
            session.enable("CONDSTORE")
        selected_id = session.selected.mailbox_id if session.selected is not None else None
        for entry in await in_store(_sources, session.account_id, command, selected_id):
            if entry.mailbox_id == selected_id:
                await _search_selected(session, command, entry)
            else:
                await _search_other(session, command, entry)
    return ok("")


def _refuse(session: Session, command: MultiSearch) -> None:
    """Raises ImapSyntaxError for what section 2 calls BAD."""
    returns = command.returns
    refuse_switched_off(session, command.key, returns)
    if session.selected is None and (command.is_of_selected or "UPDATE" in returns.words):
        raise ImapSyntaxError("no mailbox is selected")
    if not command.is_of_selected_alone and any_leaf(command.key, _is_of_selected):
        raise ImapSyntaxError("sequence numbers and $ mean messages of the selected mailbox alone")
    if "UPDATE" in returns.words and session.tag in session.mailbox.contexts.by_tag:
        raise ImapSyntaxError("that tag's search is being kept up to date")  # RFC 5267 section 4.3


def _is_of_selected(leaf: SearchKey) -> bool:
    return isinstance(leaf, SequenceNumbers) or (isinstance(leaf, UidSet) and leaf.uids.is_saved)


def _sources(account_id: int, command: MultiSearch, selected_id: int | None) -> list[MailboxEntry]:
    """RFC 4314 section 4: what may not be read is not searched."""
    entries = [entry for entry in list_all(account_id=account_id) if "r" in entry.rights]
    return pick(command.sources, entries, account_id=account_id, selected_id=selected_id)


async def _search_selected(session: Session, command: MultiSearch, entry: MailboxEntry) -> None:
    selected, returns = session.mailbox, command.returns
    kept = resolve(command.key, selected, await selected.view(), is_kept=True)
    uids = await find(session, as_of(resolve(command.key, selected, await selected.view()), timezone.now()))
    name = session.wire_name(entry.name)
    if "UPDATE" in returns.words:  # section 2.2: it is for the selected mailbox alone
        if selected.contexts.has_room(len(uids)):
            selected.contexts.keep(
                session.tag,
                kept,
                uids,
                by_uid=True,
                uid_next=selected.uid_next,
                mailbox=name,
                uid_validity=entry.uid_validity,
            )
        else:
            session.write(no_update(session.tag))
    if "SAVE" in returns.words:
        save(session, told_of(returns, uids))
    await _tell(session, command, entry, uids)


async def _search_other(session: Session, command: MultiSearch, entry: MailboxEntry) -> None:
    await _tell(session, command, entry, await with_progress(session, _find_other(session, command, entry)))


async def _find_other(session: Session, command: MultiSearch, entry: MailboxEntry) -> list[int]:
    key = as_of(command.key, timezone.now())
    first_recent_uid = END_OF_UIDS if "IMAP4rev2" in session.enabled else entry.first_recent_uid
    async with searching(session, with_leaves(key, _without_session)):
        return await in_store(_search_store, entry.mailbox_id, key, first_recent_uid)


def _without_session(leaf: SearchKey) -> SearchKey:
    """What has to be looked up first costs nothing."""
    return Everything() if isinstance(leaf, UidSet) or leaf == HasFlag(RECENT) else leaf


def _search_store(mailbox_id: int, key: SearchKey, first_recent_uid: int) -> list[int]:
    last = last_uid(mailbox_id=mailbox_id) if any_leaf(key, lambda leaf: isinstance(leaf, UidSet)) else 0

    def resolved(leaf: SearchKey) -> SearchKey:
        match leaf:
            case UidSet(uids):
                return uids_up_to(uids, last)
            case HasFlag(flag) if flag == RECENT:
                return Uids(((first_recent_uid, END_OF_UIDS),))
            case _:
                return leaf

    return search_messages(mailbox_id=mailbox_id, key=with_leaves(key, resolved))


async def _tell(session: Session, command: MultiSearch, entry: MailboxEntry, uids: Sequence[int]) -> None:
    """One response for each mailbox where something was found (section 2.1)."""
    returns = command.returns
    if not uids or not returns.tells_something:
        return
    modseq = None
    if asks_modseq(command.key):
        modseq = await in_store(highest_modseq, mailbox_id=entry.mailbox_id, uids=told_of(returns, uids))
    data = return_data(returns, uids, modseq)
    name = session.wire_name(entry.name)
    await session.send(
        esearch_response(session.tag, data, by_uid=True, mailbox=name, uid_validity=entry.uid_validity)
    )
