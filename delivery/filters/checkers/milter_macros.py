"""The macros that go with what a milter is told of the session, by the names that sendmail has for them."""

from typing import Final

from delivery.filters.checkers.case import Case

MAIL_PROGRAM: Final = "Mailhost"


def about_the_session(case: Case) -> dict[str, str]:
    """With CONNECT."""
    name = case.client_name or f"[{case.peer}]"
    return {
        "j": case.host_name,
        "v": MAIL_PROGRAM,
        "{daemon_name}": MAIL_PROGRAM,
        "_": f"{name} [{case.peer}]",
        "{client_addr}": case.peer,
        "{client_name}": case.client_name or "unknown",
    }


def about_tls(case: Case) -> dict[str, str]:
    """With HELO; nothing for a session in clear."""
    version, cipher = case.tls
    return {"{tls_version}": version, "{cipher}": cipher}
