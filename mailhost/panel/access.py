"""Who may see which domain: every page is given those that the signed-in account administers, and looks in there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_cache_control

from domains.models import Domain
from mailboxes.administration import domains_administered_by
from mailboxes.models import Account
from mailhost.net.reader_time import reader_time_zone

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Office:
    """An account with the names of the domains that it administers: all that its pages may reach, but where pages are
    for operators too (sees_all): these reach every domain."""

    account: Account
    domains: tuple[str, ...]
    sees_all: bool = False

    def reachable(self, *, most: int) -> list[str]:
        """The domains that its pages reach, in order: up to so many of all, where it sees all."""
        if not self.sees_all:
            return list(self.domains)
        return list(Domain.objects.order_by("name").values_list("name", flat=True)[:most])

    def domain(self, name: str) -> str:
        """The domain of this name. Raises Http404 where the account may not see it, hosted here or not."""
        name = name.lower()
        if name in self.domains or (self.sees_all and Domain.objects.filter(name=name).exists()):
            return name
        raise Http404("You do not administer this domain.")


def for_domain_administrators(
    page: Callable[Concatenate[HttpRequest, Office, P], HttpResponseBase], *, and_operators: bool = False
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Gives a page the signed-in account's domains, read anew each time. Others sign in first, or are refused.

    and_operators: whoever runs the host is let in, too, with or without a domain, and sees all.
    """

    @wraps(page)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        account = request.user
        if not isinstance(account, Account):
            return redirect_to_login(request.get_full_path(), "sign-in")
        domains = domains_administered_by(account_id=account.pk)
        sees_all = and_operators and account.is_operator and account.is_enabled
        if not domains and not sees_all:
            raise PermissionDenied("This account administers no domain.")
        with timezone.override(reader_time_zone(request)):
            response = page(request, Office(account, tuple(domains), sees_all), *args, **kwargs)
        patch_cache_control(response, private=True, no_store=True)
        return response

    return guarded
