"""Where what is handed in without a session goes: at once, or from the queue where it is to wait."""

from collections.abc import Iterable, Mapping
from typing import TypedDict

from delivery.envelope import led_from
from delivery.filters.recording import Judged
from delivery.routing import AccountDisabled, Route, route
from delivery.submission.admission import Admitted, held_copies
from domains.exceptions import AddressNotFound, DomainNotFound, TooManyTargets
from mailboxes.exceptions import QuotaExceeded
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.smtp.dsn_parameters import NOTHING_ASKED, DsnRequest
from mailhost.protocols.smtp.paths import ForwardPath


class RecipientsRefused(Exception):
    """Some recipients cannot have it; each text is a sentence for its writer."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = list(reasons)
        super().__init__(" ".join(self.reasons))


class Ways(TypedDict, total=False):
    """As in Acceptance."""

    account_ids: tuple[int, ...]
    relay: tuple[EmailAddress, ...]
    judged: tuple[Judged, ...]
    waiting: tuple[tuple[str, DsnRequest], ...]
    led_from: Mapping[tuple[str, str], str]


def route_all(addresses: Iterable[EmailAddress], *, size_octets: int) -> dict[EmailAddress, Route]:
    """Where each leads. Raises RecipientsRefused with every reason at once."""
    routes: dict[EmailAddress, Route] = {}
    reasons: list[str] = []
    for address in addresses:
        try:
            routes[address] = route(
                forward_path=ForwardPath(address), size_octets=size_octets, may_relay=True
            )
        except (AddressNotFound, DomainNotFound):
            reasons.append(f"There is no address {address} here.")
        except AccountDisabled:
            reasons.append(f"{address} takes no mail at present.")
        except QuotaExceeded:
            reasons.append(f"The mailbox of {address} is full.")
        except TooManyTargets:
            reasons.append(f"{address} leads to more recipients than one message may have.")
    if reasons:
        raise RecipientsRefused(reasons)
    return routes


def ways_of(
    routes: Mapping[EmailAddress, Route], admitted: Admitted, *, peer: str, reverse_path: str
) -> Ways:
    """Where it goes at once, or from the queue when it is released; each account and address once."""
    aliases = led_from((ForwardPath(address), found) for address, found in routes.items())
    if admitted.release_at is not None:
        elsewhere = [each for found in routes.values() if not found.account_ids for each in found.relay]
        return {
            "waiting": tuple(
                (str(each), NOTHING_ASKED) for each, found in routes.items() if found.account_ids
            ),
            "relay": tuple({each.key: each for each in elsewhere}.values()),
            "led_from": aliases,
        }
    account_ids = tuple(dict.fromkeys(each for found in routes.values() for each in found.account_ids))
    relay = tuple({each.key: each for found in routes.values() for each in found.relay}.values())
    if not admitted.is_held:
        return {"account_ids": account_ids, "relay": relay, "led_from": aliases}
    return {
        "judged": held_copies(account_ids, trace_id="", peer=peer, reverse_path=reverse_path),
        "relay": relay,
        "led_from": aliases,
    }


def copies_of(routes: Mapping[EmailAddress, Route]) -> list[tuple[EmailAddress, int]]:
    """Each recipient with the accounts here that it leads to."""
    return [(address, account_id) for address, found in routes.items() for account_id in found.account_ids]
