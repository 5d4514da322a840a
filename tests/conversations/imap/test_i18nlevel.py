"""I18NLEVEL=1: searching, sorting and threading compare by i;unicode-casemap (RFC 5255 section 4, RFC 5051)."""

from collections.abc import Callable

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]


def test_scripts_are_compared_without_case_and_by_what_they_are_made_of(talk: Talk, put: Put) -> None:
    put("=?utf-8?q?=C3=89cole?=")  # É in one
    put("=?utf-8?q?e=CC=81COLE_2?=")  # e and an accent
    put("=?utf-8?b?0J/RgNC40LLQtdGC?=")  # Привет
    put("=?utf-8?b?44Or776Z?=")  # ル, in full and in half width
    put("=?utf-8?q?Re:_=C3=A9COLE?=")
    talk("""
        C: a CAPABILITY
        S: * CAPABILITY …I18NLEVEL=1…
        S: a OK …
        C: s SELECT INBOX
        S~ s OK …
        C: b SEARCH CHARSET UTF-8 SUBJECT "éCOLE"
        S: * SEARCH 1 2 5
        S: b OK …
        C: c SEARCH CHARSET UTF-8 SUBJECT "пРИВЕТ"
        S: * SEARCH 3
        S: c OK …
        C: d SEARCH CHARSET UTF-8 SUBJECT "ルル"
        S: * SEARCH 4
        S: d OK …
        C: e SORT (SUBJECT) UTF-8 ALL
        S: * SORT 1 5 2 3 4
        S: e OK …
        C: f THREAD ORDEREDSUBJECT UTF-8 ALL
        S: * THREAD (1 5)(2)(3)(4)
        S: f OK …
        C: g THREAD REFERENCES UTF-8 1,5
        S: * THREAD (1 5)
        S: g OK …
    """)
