"""TLS sessions as the relay leaves them, for tests of what is reported."""

from delivery.relay.tls.sessions import TlsSession

POLICY = ("version: STSv1", "mode: testing", "mx: mx.far.test", "max_age: 86400")


def session(
    domain: str = "far.test",
    *,
    result: str = "",
    host: str = "mx.far.test",
    ip: str | None = "192.0.2.25",
    strings: tuple[str, ...] = POLICY,
    detail: str = "",
) -> TlsSession:
    """One under an MTA-STS policy."""
    return TlsSession(
        policy_domain=domain,
        policy_type="sts",
        policy_strings=strings,
        mx_host=host,
        mx_patterns=("mx.far.test",),
        receiving_ip=ip,
        sending_ip="198.51.100.1",
        result=result,
        detail=detail or ("The certificate has expired." if result else ""),
    )
