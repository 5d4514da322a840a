"""Who administers which domain, besides the operators, who administer all."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class DomainAdministrator(models.Model):
    """An account, of this domain or any other, that administers a domain and the domain aliases that lead to it."""

    domain = models.ForeignKey("domains.Domain", on_delete=models.CASCADE, related_name="administrators")
    account = models.ForeignKey("mailboxes.Account", on_delete=models.CASCADE, related_name="administered")
    since = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["domain__name", "account__login"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "account"], name="domain_administrator_once")
        ]

    def __str__(self) -> str:
        return f"{self.account} for {self.domain}"
