"""Ways out that an operator made: which mail leaves by which smarthost or with which addresses."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class RouteTls(models.TextChoices):
    """What is asked of TLS; the last three leave DANE and MTA-STS of recipients aside, except that a policy that asks
    for as much as `required` counts in its place.
    """

    OPPORTUNISTIC = "opportunistic", "where it is offered, and as DANE and MTA-STS ask"
    REQUIRED = "required", "required: STARTTLS, with a certificate for the host's name"
    IMPLICIT = "implicit", "required from the first octet (port 465), with a certificate for the host's name"
    NONE = "none", "never"


class OutboundRoute(models.Model):
    """`smarthost`: "" for the recipients' own MX hosts. `password` is encrypted (net/secrets_at_rest.py).

    `sending_domains`, `recipient_domains`: whose mail goes this way, A-labels, `*.` in front for all below; empty for
    any (queue/route_rules.py). `sources`: addresses of this machine to send from, each with the name said in EHLO
    behind it, or `ehlo_name`; empty: as the system and MAILHOST_HOSTNAME say.
    """

    name = models.TextField(unique=True)
    smarthost = models.TextField(default="", blank=True)
    port = models.IntegerField(default=587)
    tls = models.TextField("encryption", choices=RouteTls.choices, default=RouteTls.OPPORTUNISTIC)
    login = models.TextField(default="", blank=True)
    password = models.BinaryField(default=b"", editable=False)
    allows_clear = models.BooleanField("password may go unprotected", default=False)
    sending_domains = ArrayField(models.TextField(), default=list, blank=True)
    recipient_domains = ArrayField(models.TextField(), default=list, blank=True)
    sources = ArrayField(models.TextField(), default=list, blank=True)
    ehlo_name = models.TextField("EHLO name", default="", blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = "route"

    def __str__(self) -> str:
        return self.name

    @property
    def purpose(self) -> str:
        """What its password is encrypted for."""
        return f"password of route {self.pk}"


class RouteChange(models.Model):
    """Routes were changed, and what waits has not all been moved accordingly (queue/route_moves.py)."""

    at = models.DateTimeField()


class SignInPause(models.Model):
    """Until when a smarthost is left alone that has refused a password, and what it said (relay/sign_in_pauses.py).

    name: a keyed hash of who was told what.
    """

    name = models.TextField(primary_key=True)
    until = models.DateTimeField()
    status = models.TextField()
    said = models.TextField()

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M:%S}: {self.said}"
