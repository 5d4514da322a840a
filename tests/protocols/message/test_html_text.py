"""HTML as text: what a reader sees can be searched for, what he does not see cannot."""

import time

import pytest

from mailhost.protocols.message.html_text import text_of_html


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>bo<b>ld</b> caf&eacute;\r\n  au lait", "\nbold café au lait"),
        ("one<br>two<div>three</div>", "one\ntwo\nthree\n"),
        ("a<!-- <b>no</b> -->b<![CDATA[x]]><?php y ?>c", "abc"),
        ("<style>p { color: red }</style>x<script>if (a<b) {}</script>y", "\n\nx\n\ny"),
        ("<STYLE type='a>b'>no</Style >yes", "\n\nyes"),
        ('<a title="a > b" href="http://hidden.test/">link</a>', "\na > b\nlink"),
        ("<img src=x alt='a  picture'>", "\n\na picture\n"),
        ("1 < 2 && 3 > 2 &lt;tag&gt; &amp;amp;", "1 < 2 && 3 > 2 <tag> &amp;"),
        ("cut <a href='", "cut "),
        ("<script>never ended", "\n"),
        ("<svg/>seen", "\nseen"),
        ("&#0;&#xD800;&#x110000;", "\ufffd\ufffd\ufffd"),
        ("", ""),
    ],
)
def test_what_is_seen(source: str, text: str) -> None:
    assert text_of_html(source) == text


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        '<a "',
        "<a '\"",
        "<!--",
        "<script>",
        "<style></style",
        "<a b='",
        "&amp",
        "<img alt alt= ",
        "<p/ x",
    ],
)
def test_it_takes_linear_time(piece: str) -> None:
    began = time.process_time()
    text_of_html(piece * 100_000)
    assert time.process_time() - began < 5  # quadratic would be minutes
