"""What other hosts report of mail that came to them in the name of a hosted domain (RFC 9990), or for it (RFC 8460)."""

from typing import ClassVar

from django.db import models


class DmarcReport(models.Model):
    """An aggregate report. `organization` is what the reporter calls itself; `is_authentic`: DMARC passed for it."""

    domain = models.TextField()
    organization = models.TextField()
    report_id = models.TextField()
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    policy = models.TextField(blank=True)
    is_authentic = models.BooleanField(default=False)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "DMARC report"
        ordering: ClassVar = ["-begins_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "organization", "report_id"], name="dmarc_report_once")
        ]
        indexes: ClassVar = [models.Index(fields=["domain", "begins_at"], name="dmarc_reports_of_a_domain")]

    def __str__(self) -> str:
        return f"{self.organization} about {self.domain}"


class DmarcReportRow(models.Model):
    """So many messages from one address. `dkim` and `spf` are whether each is aligned and passes."""

    report = models.ForeignKey(DmarcReport, on_delete=models.CASCADE, related_name="rows")
    source_ip = models.TextField()
    count = models.BigIntegerField()
    disposition = models.TextField(blank=True)
    is_dkim_aligned = models.BooleanField()
    is_spf_aligned = models.BooleanField()
    header_from = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.count} from {self.source_ip}"


class TlsReport(models.Model):
    """One policy of a TLS report. `failures` are [{"what", "sessions", "host"}], most first."""

    domain = models.TextField()
    organization = models.TextField()
    report_id = models.TextField()
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    policy = models.TextField()
    successes = models.BigIntegerField()
    failed = models.BigIntegerField()
    failures = models.JSONField(default=list)
    is_authentic = models.BooleanField(default=False)
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "TLS report"
        ordering: ClassVar = ["-begins_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["domain", "organization", "report_id", "policy"], name="tls_report_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization} about {self.domain}"


class ReportReading(models.Model):
    """Up to which verdict messages were looked through for reports: one row."""

    last_verdict_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"up to verdict {self.last_verdict_id}"
