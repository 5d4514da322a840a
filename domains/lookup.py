"""Where mail for an address goes: domain aliases, aliases (many targets, loops), sub-addressing, catch-all.

RFC 5321 section 3.9.1 (aliases), section 4.5.1 (postmaster); RFC 5233 (sub-addressing). Asked for each RCPT: one
statement, two where an alias is followed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from domains.exceptions import AddressNotFound, DomainNotFound, TooManyTargets
from domains.models import CATCH_ALL
from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress, canonical_local_part

SUB_ADDRESS_SEPARATOR = "+"
MAX_ROUNDS = 10  # aliases that lead to aliases that …; deeper chains are mistakes
MAX_RESOLVED = 1_000  # final targets of one address
POSTMASTER = "postmaster"

# One row for each hosted domain and each of its candidate addresses; address columns are NULL where none fits.
LOOK_UP = """
SELECT domain.name, address.local_part, address.id, alias.id IS NOT NULL, coalesce(alias.is_enabled, true),
       (SELECT array_agg(target.email ORDER BY target.id) FROM domains_aliastarget target
         WHERE target.alias_id = alias.id)
  FROM domains_domain domain
  JOIN domains_domain canonical ON canonical.id = coalesce(domain.alias_of_id, domain.id) AND canonical.is_enabled
  LEFT JOIN domains_address address ON address.domain_id = canonical.id AND address.local_part = ANY(%s)
  LEFT JOIN domains_alias alias ON alias.address_id = address.id
 WHERE domain.name = ANY(%s) AND domain.is_enabled
"""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Where mail for one address ends: ids of addresses that accounts own, and addresses on other hosts."""

    address_ids: frozenset[int] = frozenset()
    foreign: tuple[EmailAddress, ...] = ()
    is_postmaster: bool = False  # nobody has postmaster@ here: it goes to whoever runs the host


@dataclass(frozen=True, slots=True)
class _Found:
    """One candidate row of a hosted domain."""

    address_id: int
    is_alias: bool
    is_enabled: bool
    targets: tuple[str, ...]


_HostedCandidates = dict[str, dict[str, _Found]]


def is_hosted(*, domain: str) -> bool:
    """Whether mail for this domain (lower-case A-label) is received here."""
    return domain in _look_up([("", domain)])


def resolve(*, local_part: str, domain: str) -> Resolution:
    """Where mail for this address goes. `domain` is a lower-case A-label.

    Raises DomainNotFound (not hosted here: no business of ours), AddressNotFound, TooManyTargets.
    """
    wanted = (canonical_local_part(local_part), domain)
    walk = _Walk()
    walk.follow([wanted])
    if not walk.address_ids and not walk.foreign and not walk.is_postmaster:
        if wanted[1] not in walk.hosted:
            raise DomainNotFound(domain)
        raise AddressNotFound(str(EmailAddress(local_part, domain)))
    return Resolution(frozenset(walk.address_ids), tuple(walk.foreign.values()), walk.is_postmaster)


@dataclass(slots=True)
class _Walk:
    """The aliases followed so far. Each address is visited once, so loops end."""

    address_ids: set[int] = field(default_factory=set)
    foreign: dict[tuple[str, str], EmailAddress] = field(default_factory=dict)
    is_postmaster: bool = False
    hosted: set[str] = field(default_factory=set)
    visited: set[tuple[str, str]] = field(default_factory=set)

    def follow(self, start: list[tuple[str, str]]) -> None:
        """Looks up, round by round, what the start leads to."""
        pending: dict[tuple[str, str], EmailAddress | None] = dict.fromkeys(start)
        for _ in range(MAX_ROUNDS):
            if not pending:
                return
            self.visited.update(pending)
            found = _look_up(pending)
            self.hosted.update(found)
            following: dict[tuple[str, str], EmailAddress | None] = {}
            for key, address in pending.items():
                if key[1] not in found:
                    if address is not None:  # the start itself is never foreign: that is relaying
                        self.foreign[key] = address
                    continue
                self._step(key, found[key[1]], following)
            if len(self.address_ids) + len(self.foreign) + len(following) > MAX_RESOLVED:
                raise TooManyTargets(f"More than {MAX_RESOLVED} targets.")
            pending = following

    def _step(
        self,
        key: tuple[str, str],
        candidates: dict[str, _Found],
        following: dict[tuple[str, str], EmailAddress | None],
    ) -> None:
        found = _best(key[0], candidates)
        if found is None:
            self.is_postmaster = self.is_postmaster or _base(key[0]) == POSTMASTER
            return
        if not found.is_alias:
            self.address_ids.add(found.address_id)
            return
        for text in found.targets if found.is_enabled else ():
            try:
                target = EmailAddress.parse(text)
            except AddressSyntaxError:
                continue
            if target.key not in self.visited:
                following.setdefault(target.key, target)


def _base(local_part: str) -> str:
    """The local part without its sub-address."""
    return local_part.split(SUB_ADDRESS_SEPARATOR, 1)[0] or local_part


def _best(local_part: str, candidates: dict[str, _Found]) -> _Found | None:
    """The exact address, else the one without sub-address, else (but not for postmaster) the catch-all."""
    exact = candidates.get(local_part) or candidates.get(_base(local_part))
    if exact is None and _base(local_part) != POSTMASTER:
        return candidates.get(CATCH_ALL)
    return exact


def _look_up(wanted: Iterable[tuple[str, str]]) -> _HostedCandidates:
    """Hosted domains among those wanted, each with the candidates for its local parts."""
    pairs = list(wanted)
    local_parts = {CATCH_ALL} | {local_part for local_part, _ in pairs} | {_base(local) for local, _ in pairs}
    hosted: _HostedCandidates = {}
    with cursor() as sql:
        sql.execute(LOOK_UP, (list(local_parts), list({domain for _, domain in pairs})))
        for domain, local_part, address_id, is_alias, is_enabled, targets in sql:
            candidates = hosted.setdefault(domain, {})
            if address_id is not None:
                candidates[local_part] = _Found(address_id, is_alias, is_enabled, tuple(targets or ()))
    return hosted
