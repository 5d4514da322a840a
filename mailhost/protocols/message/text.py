"""Octets to text for people: charsets, transfer encodings (RFC 2045 section 6) and encoded words (RFC 2047)."""

import binascii
import codecs
import functools
import re

# Names in mail that Python does not know, or whose superset is what senders mean.
_REPLACED_CHARSETS = {
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "x-sjis": "cp932",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "utf8": "utf-8",
}
# Codecs that are no charsets of mail: not text, not linear in time, or platform calls.
_REFUSED_CODECS = frozenset(
    ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem")
)
_ENCODED_WORD = re.compile(rb"=\?([^?*\s]++)(?:\*[^?\s]*+)?\?([bBqQ])\?([^?]*+)\?=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_SURROGATES = re.compile("[\ud800-\udfff]")  # neither these nor NUL fit a text column of Postgres
_CONTROLS = re.compile("[\x00-\x20\x7f-\x9f]+")


@functools.lru_cache(maxsize=256)
def codec_of(charset: str) -> str | None:
    """The Python codec for a charset's name; None where there is none."""
    name = charset.strip().lower()
    try:
        codec = codecs.lookup(_REPLACED_CHARSETS.get(name, name))
    except (LookupError, ValueError):
        return None
    if not getattr(codec, "_is_text_encoding", True) or codec.name.replace("-", "_") in _REFUSED_CODECS:
        return None
    return codec.name


def decode_charset(octets: bytes, charset: bytes | None) -> str:
    """What the octets most probably say; never raises, NUL and surrogates become U+FFFD."""
    codec = "utf-8" if charset is None else codec_of(charset[:64].decode("ascii", "replace"))
    if codec is None or codec == "utf-8":
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError as error:
            # A character that was cut off at the end of UTF-8 is no sign of another charset.
            is_cut = error.reason == "unexpected end of data" and not octets[: error.start].isascii()
            text = octets.decode("utf-8" if is_cut else "cp1252", "replace")
    else:
        try:
            text = octets.decode(codec, "replace")
        except ValueError:
            text = octets.decode("cp1252", "replace")
        text = _SURROGATES.sub("\ufffd", text)  # UTF-7's decoder makes them
    return text.replace("\0", "\ufffd")


def decode_transfer(octets: bytes, encoding: bytes) -> bytes:
    """Undoes base64 and quoted-printable as far as they are intact; other encodings are returned as they are."""
    if encoding == b"base64":
        try:
            return binascii.a2b_base64(octets)
        except binascii.Error:  # cut off, or with octets too many
            digits = _NOT_BASE64.sub(b"", octets)
            return binascii.a2b_base64(digits[: len(digits) // 4 * 4])
    if encoding == b"quoted-printable":
        return binascii.a2b_qp(octets)
    return octets


def decode_words(value: bytes) -> str:
    """A header value for people: encoded words and raw 8-bit decoded; never raises."""
    if b"=?" not in value:
        return decode_charset(value, None)
    text = []
    waiting = b""  # neighbours of one charset are decoded together: senders cut inside characters
    waiting_charset = b""
    at = 0
    for word in _ENCODED_WORD.finditer(value):
        between = value[at : word.start()]
        charset = word[1].lower()
        is_neighbour = at > 0 and not between.strip(
            b" \t\r\n"
        )  # RFC 2047 section 6.2: those blanks are not shown
        if waiting and not (is_neighbour and charset == waiting_charset):
            text.append(decode_charset(waiting, waiting_charset))
            waiting = b""
        if not is_neighbour:
            text.append(decode_charset(between, None))
        if word[2] in b"bB":
            waiting += decode_transfer(word[3], b"base64")
        else:
            waiting += binascii.a2b_qp(word[3].replace(b" ", b"_"), header=True)
        waiting_charset = charset
        at = word.end()
    if waiting:
        text.append(decode_charset(waiting, waiting_charset))
    text.append(decode_charset(value[at:], None))
    return "".join(text)


def one_line(text: str, *, limit: int) -> str:
    """One line that any text column takes: runs of blanks and controls are one space, cut at limit characters."""
    text = " ".join(text.split(None, limit)[:limit])  # so many words are at least as many characters
    if not text.isprintable():
        text = _CONTROLS.sub(" ", text).strip()
    return text[:limit].rstrip()
