"""Settings as people write them: values, the `.env` file, and what is said of those that cannot be read."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.environment import (
    Environment,
    SettingInvalid,
    parse_boolean,
    parse_dot_env,
    parse_integer,
    parse_networks,
    parse_octets,
    parse_origin,
    parse_seconds,
    parse_words,
    read_dot_env,
)
from mailhost.settings.databases import database

ROOT = Path(__file__).resolve().parent.parent
VALUES = st.text(st.characters(codec="ascii", exclude_characters="\"'", exclude_categories=["Cc"]))


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=value", "value"),
        ("  export NAME = value  ", "value"),
        ("NAME=value # why", "value"),
        ("NAME= # why", ""),
        ("NAME=a#b", "a#b"),
        ('NAME="a # b" # why', "a # b"),
        ("NAME='a'", "a"),
        ("NAME=", ""),
        ("NAME=postgres://me:p=w@db/mail?x=y", "postgres://me:p=w@db/mail?x=y"),
    ],
)
def test_a_line_of_the_file(line: str, value: str) -> None:
    assert parse_dot_env(f"# NAME=no\n{line}\nNEXT=1\r\n\n") == {"NAME": value, "NEXT": "1"}


def test_an_empty_value_does_not_swallow_the_next_line() -> None:
    assert parse_dot_env("A=\nB=2\n") == {"A": "", "B": "2"}


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,9}", fullmatch=True), VALUES, max_size=4))
def test_quoted_values_come_back(pairs: dict[str, str]) -> None:
    assert parse_dot_env("".join(f'{name}="{value}"\n' for name, value in pairs.items())) == pairs


@given(st.text() | st.text("A= '\"#\n\t\\"))
def test_any_text_is_read(text: str) -> None:
    assert all(name.isidentifier() for name in parse_dot_env(text))


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    assert read_dot_env(path) == {}
    path.write_bytes(b"A=\xff\n")
    with pytest.raises(SettingInvalid, match=f"{path} is not UTF-8"):
        read_dot_env(path)


@pytest.mark.parametrize(("text", "octets"), [("1024", 1024), ("50M", 50 << 20), ("5 GiB", 5 << 30)])
def test_sizes(text: str, octets: int) -> None:
    assert parse_octets(text) == octets


@given(st.text())
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    for parse in (
        parse_octets,
        parse_integer,
        parse_seconds,
        parse_boolean,
        parse_networks,
        parse_words,
        parse_origin,
    ):
        try:
            parse(text)
        except ValueError:
            pass


def test_a_value_that_cannot_be_read_is_named_with_what_is_taken() -> None:
    env = Environment(values={"MAILHOST_X": "many"})
    env.section("Here")
    with pytest.raises(SettingInvalid, match=r"MAILHOST_X='many' cannot be read. It takes a whole number"):
        env.integer("MAILHOST_X", 1, "")


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon"])
def test_a_time_that_cannot_pass_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"0 or more|could not convert"):
        parse_seconds(text)


def test_no_thread_is_too_few() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        parse_integer("0", minimum=1)


@pytest.mark.parametrize("url", ["mysql://db/x", "postgres://me@db:many/x", "postgres://[::1/x", "nothing"])
def test_a_database_url_that_cannot_be_read_is_told_with_its_form(url: str) -> None:
    with pytest.raises(SettingInvalid, match="DATABASE_URL takes postgres://"):
        database(url)


@pytest.mark.parametrize("words", [["up"], ["check"]])
def test_a_port_beyond_all_ports_is_one_sentence(words: list[str], tmp_path: Path) -> None:
    environment = {"MAILHOST_PORT_OFFSET": "70000", "MAILHOST_VAR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "MAILHOST_PORT_OFFSET" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_pages_are_reached_is_scheme_and_host_alone() -> None:
    assert parse_origin("https://Mail.Example.org/") == "https://mail.example.org"
    assert parse_origin("http://[::1]:8080") == "http://[::1]:8080"


@pytest.mark.parametrize(
    "text",
    [
        "mail.example.org",
        "ftp://x.org",
        "https://",
        "https://x.org/mail",
        "https://a@x.org",
        "https://a b",
        "//x",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"http|path"):
        parse_origin(text)
