"""A day's sessions as the report that is sent about them, and the mail that carries it (RFC 8460 sections 4.4, 5.3)."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from django.conf import settings

from delivery.feedback.dispatch import fitted
from delivery.feedback.mailing import Letter
from delivery.feedback.reporting import contact as dmarc_contact
from delivery.feedback.tls.counting import as_session
from delivery.filters.report_rule import TLS
from delivery.models import TlsFeedback
from delivery.relay.tls.sessions import TlsSession
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.message.composing import Attachment, compose
from mailhost.protocols.message.reading import Correspondent
from mailhost.protocols.tls_report_writing import (
    DOMAIN_FIELD,
    PACKED_TYPE,
    REPORT_TYPE,
    SUBMITTER_FIELD,
    packed,
    report_filename,
    report_subject,
    write_tls_report,
)
from mailhost.protocols.tls_reports import TlsFailure, TlsPolicyReport, TlsReport

Policy = tuple[str, str, tuple[str, ...], tuple[str, ...]]


def contact() -> str:
    """The address that reports come from."""
    return settings.TLS_REPORTS_CONTACT or dmarc_contact()


def submitter() -> str:
    """Whose reports they are: the contact's domain, which signs them (RFC 8460 section 5.3)."""
    return contact().rpartition("@")[2]


def report_about(feedback: TlsFeedback) -> TlsReport:
    """With all rows that are kept, most sessions first."""
    begin = datetime.combine(feedback.day, time(), UTC)
    rows = feedback.rows.order_by("-count", "pk").values_list("row", "count")
    by_policy: dict[Policy, list[tuple[TlsSession, int]]] = {}
    for content, count in rows:
        session = as_session(content, domain=feedback.domain)
        # RFC 8460 section 1.1: of DANE it is the TLSA base domain.
        domain = session.tlsa_base or feedback.domain
        policy = (session.policy_type, domain, session.policy_strings, session.mx_patterns)
        by_policy.setdefault(policy, []).append((session, count))
    return TlsReport(
        organization_name=settings.DMARC_REPORTS_ORGANIZATION or settings.HOSTNAME,
        contact_info=contact(),
        report_id=report_id(feedback),
        start=begin,
        end=begin + timedelta(days=1, seconds=-1),
        policies=tuple(_policy_report(policy, sessions) for policy, sessions in by_policy.items()),
    )


def report_id(feedback: TlsFeedback) -> str:
    """Of letters and digits, as file names want it, and the same however often the report is made."""
    named = f"{settings.HOSTNAME}\ntls\n{feedback.domain}\n{feedback.day.isoformat()}"
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def pack(report: TlsReport, *, max_octets: int) -> bytes:
    """As it is sent; without the details of what failed least often, where it would be too large with them."""
    counts = sorted(
        (-each.failed_sessions, policy, number)
        for policy, of in enumerate(report.policies)
        for number, each in enumerate(of.failures)
    )

    def make(kept: int) -> bytes:
        told = {(policy, number) for _, policy, number in counts[:kept]}
        policies = tuple(
            replace(of, failures=tuple(each for n, each in enumerate(of.failures) if (number, n) in told))
            for number, of in enumerate(report.policies)
        )
        return packed(write_tls_report(replace(report, policies=policies)))

    return fitted(make, count=len(counts), max_octets=max_octets)


def letter_of(report: TlsReport, attachment: bytes, *, policy_domain: str, now: datetime) -> Letter:
    """The mail that carries it."""
    return Letter(
        compose=lambda to: compose_mail(report, attachment, policy_domain=policy_domain, to=to, now=now),
        report_id=report.report_id,
        kind=TLS,
        reverse_path=contact(),
    )


def compose_mail(
    report: TlsReport, attachment: bytes, *, policy_domain: str, to: Sequence[EmailAddress], now: datetime
) -> bytes:
    """The message without Return-Path; its Message-ID is the Report-ID, so that who gets it twice can know."""
    own = submitter()
    text = (
        f"This is an SMTP TLS report (RFC 8460), by a program for a program. It tells how connections from\n"
        f"{settings.HOSTNAME} to the mail servers of {policy_domain} went on {report.start:%-d %B %Y} (UTC), as\n"
        f"the TLSRPT record of {policy_domain} asks for with rua.\n"
    )
    filename = report_filename(report, policy_domain=policy_domain, submitter=own)
    octets = compose(
        from_=Correspondent(report.organization_name, contact()),
        to=[str(each) for each in to],
        subject=report_subject(report, policy_domain=policy_domain, submitter=own),
        text=text,
        message_id=f"<{report.report_id}@{own}>",
        date=now,
        attachments=[Attachment(filename, PACKED_TYPE, attachment)],
        report_type=REPORT_TYPE,
        # Reports have to arrive whatever is wrong with TLS there (RFC 8460 section 3), also behind the next host
        # (RFC 8689 section 5).
        further_fields=[(DOMAIN_FIELD, policy_domain), (SUBMITTER_FIELD, own), ("TLS-Required", "No")],
    )
    # RFC 3834 section 5: programs that answer mail must not answer this.
    return b"Auto-Submitted: auto-generated\r\n" + octets


def _policy_report(policy: Policy, sessions: Sequence[tuple[TlsSession, int]]) -> TlsPolicyReport:
    kind, domain, strings, patterns = policy
    failures = [(session, count) for session, count in sessions if session.result]
    failed = sum(count for _, count in failures)
    return TlsPolicyReport(
        policy_type=kind,
        policy_domain=domain,
        policy_string=strings,
        mx_hosts=patterns,
        successful_sessions=sum(count for _, count in sessions) - failed,
        failed_sessions=failed,
        failures=tuple(
            TlsFailure(
                result_type=session.result,
                failed_sessions=count,
                sending_mta_ip=session.sending_ip or "",
                receiving_mx_hostname=session.mx_host,
                receiving_ip=session.receiving_ip or "",
                failure_reason_code=session.detail,
            )
            for session, count in failures
        ),
    )
