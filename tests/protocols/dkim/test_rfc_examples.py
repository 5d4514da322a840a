"""The signed messages of RFC 6376 appendix A and RFC 8463 appendix A verify."""

import pytest

from mailhost.protocols.dkim import Result
from tests.protocols.dkim.zone import crlf, outcome, verified

GAME = """\
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

"""
RFC_6376 = crlf(
    """\
DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
"""
    + GAME
    + "We lost the game. Are you hungry yet?\n\nJoe.\n"
)
RFC_8463 = crlf(
    """\
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
"""
    + GAME
    + "We lost the game.  Are you hungry yet?\n\nJoe.\n\n"
)
RECORDS: dict[str, list[bytes] | None] = {
    "brisbane._domainkey.example.com": [
        b"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ"
        b"DwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
        b"IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7"
        b"od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfV"
        b"jH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYck"
        b"cQ2QIDAQAB"
    ],
    "brisbane._domainkey.football.example.com": [
        b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    ],
    "test._domainkey.football.example.com": [
        b"v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWR"
        b"iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutAC"
        b"DfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3"
        b"Ip3G+2kryOTIKT+l/K4w3QIDAQAB"
    ],
}


def test_the_signed_message_of_rfc_6376() -> None:
    (verification,) = verified(RFC_6376, RECORDS)
    assert verification.result is Result.PASS
    assert verification.domain == "example.com"
    assert verification.selector == "brisbane"
    assert verification.identity == "joe@football.example.com"
    assert verification.algorithm == "rsa-sha256"
    assert verification.signature_start == "AuUoFEfD"
    assert verification.key_bits == 1024


def test_simple_takes_no_other_white_space() -> None:
    assert outcome(RFC_6376.replace(b"game. Are", b"game.  Are"), RECORDS) == (
        Result.FAIL,
        "The body is not what was signed.",
    )
    assert outcome(RFC_6376.replace(b"com  [192", b"com [192"), RECORDS) == (
        Result.FAIL,
        "The header fields are not what was signed.",
    )


def test_the_two_signatures_of_rfc_8463() -> None:
    ed25519, rsa = verified(RFC_8463, RECORDS)
    assert (ed25519.result, ed25519.algorithm, ed25519.key_bits) == (Result.PASS, "ed25519-sha256", 256)
    assert (rsa.result, rsa.algorithm, rsa.key_bits) == (Result.PASS, "rsa-sha256", 1024)
    assert {ed25519.identity, rsa.identity} == {"@football.example.com"}


@pytest.mark.parametrize("change", [(b"lost", b"won"), (b"Is dinner", b"Was dinner"), (b"suzie@", b"sue@")])
def test_neither_holds_when_the_message_is_another(change: tuple[bytes, bytes]) -> None:
    assert [each.result for each in verified(RFC_8463.replace(*change), RECORDS)] == [Result.FAIL] * 2
