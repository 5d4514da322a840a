"""TLS contexts towards other hosts, and the authorities that are trusted here for the names of servers."""

import ssl
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.x509.verification import Store


@cache
def any_certificate() -> ssl.SSLContext:
    """TLS 1.2 or later with any certificate: it keeps listeners out, and claims nothing more.

    What is asked of a certificate is looked at after the handshake, and before anything is said (verifying.py).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@cache
def system_trust() -> Store | None:
    """The authorities that this machine trusts; None where it has none. Read once: some 150 certificates."""
    found: list[x509.Certificate] = []
    for octets in ssl.create_default_context().get_ca_certs(binary_form=True) or _in_folder():
        try:
            found.append(x509.load_der_x509_certificate(octets))
        except ValueError:  # one that is odd is not trusted, and the others are
            continue
    return Store(found) if found else None


def _in_folder() -> list[bytes]:
    """In DER, where OpenSSL is given a folder, of which it reads what it looks for."""
    folder = ssl.get_default_verify_paths().capath
    found = []
    for path in sorted(Path(folder).glob("*.[0p]*")) if folder else ():
        try:
            found.append(ssl.PEM_cert_to_DER_cert(path.read_text("ascii").strip()))
        except (OSError, ValueError):
            continue
    return list(dict.fromkeys(found))
