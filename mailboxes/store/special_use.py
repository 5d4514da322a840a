"""Which special uses a client may give a mailbox (RFC 6154 sections 2 and 3)."""

from collections.abc import Collection

from mailboxes.exceptions import SpecialUseRefused

# \All, \Flagged and \Important are views of other mailboxes' messages (RFC 6154, RFC 8457): there are none here.
USES = {use.lower(): use for use in ("\\Archive", "\\Drafts", "\\Junk", "\\Sent", "\\Trash")}


def chosen_use(uses: Collection[str]) -> str:
    """The one use among those that a client asks for; none for none. Raises SpecialUseRefused."""
    chosen = set()
    for use in uses:
        if use.lower() not in USES:
            raise SpecialUseRefused(f"No mailbox can be {use} here.")
        chosen.add(USES[use.lower()])
    if len(chosen) > 1:
        raise SpecialUseRefused("A mailbox has one special use at most.")
    return chosen.pop() if chosen else ""
