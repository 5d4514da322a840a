"""Reads settings from the environment, and remembers each one so that docs/settings.md can be made from them.

`python -m mailhost.environment` prints that page.
"""

import ipaddress
import math
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

OCTETS = re.compile(r"(\d+)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
OCTET_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
HOST = re.compile(r"[\w.:\[\]-]+", re.ASCII)  # names in A-labels, addresses, a port
DOT_ENV_LINE = re.compile(
    r"""\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(?:\s*(["'])(.*?)\2\s*(?:\#.*)?|(.*))""", re.ASCII
)
TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off", ""}


class SettingInvalid(Exception):
    """A variable's value cannot be read; the text names the variable and says what it takes."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One variable: its name, kind, default as a person would write it, and what it is for."""

    name: str
    kind: str
    default: str
    text: str


def parse_octets(text: str) -> int:
    """Number of octets in "5G", "50 MB" or "1024" (powers of 1024); ValueError for anything else."""
    match = OCTETS.fullmatch(text.strip())
    if match is None:
        raise ValueError("a number of octets such as 50M, 5G or 1048576")
    return int(match[1]) * OCTET_UNITS[match[2].lower()]


def parse_integer(text: str, *, minimum: int = 0) -> int:
    """A whole number; ValueError for anything else, and below `minimum`."""
    number = int(text)
    if number < minimum:
        raise ValueError(f"{minimum} or more")
    return number


def parse_seconds(text: str) -> float:
    """A time; ValueError for anything else, also for one that never ends or lies in the past."""
    seconds = float(text)
    if not 0 <= seconds < math.inf:
        raise ValueError("0 or more")
    return seconds


def parse_boolean(text: str) -> bool:
    """True for 1, true, yes, on; False for 0, false, no, off or nothing."""
    word = text.strip().lower()
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise ValueError("1 or 0 (also yes, no, true, false, on, off)")
    return word in TRUE_WORDS


def parse_words(text: str) -> tuple[str, ...]:
    """The words of a list separated by commas or white space."""
    return tuple(re.split(r"[,\s]+", text.strip())) if text.strip() else ()


def parse_origin(text: str) -> str:
    """`https://mail.example.org` or with a port: scheme and host, no path; ValueError for anything else."""
    parts = urlsplit(text.strip())
    is_host = parts.hostname and HOST.fullmatch(parts.netloc) and parts.port != 0
    if parts.scheme not in {"http", "https"} or not is_host:
        raise ValueError("http:// or https:// and a host, perhaps with a port")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("no path: the pages are at the root of their host")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def parse_networks(text: str) -> tuple[Network, ...]:
    """IP networks such as `127.0.0.0/8,::1`."""
    return tuple(ipaddress.ip_network(word) for word in parse_words(text))


def read_dot_env(path: Path) -> dict[str, str]:
    """NAME=value lines of a `.env` file; empty where there is none. Raises SettingInvalid."""
    if not path.is_file():
        return {}
    try:
        return parse_dot_env(path.read_text(encoding="utf-8"))
    except UnicodeError as error:
        raise SettingInvalid(f"{path} is not UTF-8.") from error
    except OSError as error:
        raise SettingInvalid(f"{path} cannot be read: {error.strerror}") from error


def parse_dot_env(text: str) -> dict[str, str]:
    """NAME=value lines as compose reads them: quotes are taken off, ` #` begins a comment outside of them."""
    pairs: dict[str, str] = {}
    for line in text.splitlines():
        if match := DOT_ENV_LINE.fullmatch(line):
            name, quoted, plain = match[1], match[3], match[4]
            pairs[name] = re.split(r"\s#", plain)[0].strip() if quoted is None else quoted
    return pairs


@dataclass
class Environment:
    """Variables by name, with the declarations made so far (in order) beside them."""

    values: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    declared: list[tuple[str, list[Setting]]] = field(default_factory=list)

    def section(self, title: str) -> None:
        """Settings declared from here on stand under this heading in the docs."""
        self.declared.append((title, []))

    def read(
        self,
        name: str,
        default: T,
        text: str,
        *,
        kind: str,
        parse: Callable[[str], T],
        shown: str | None = None,
    ) -> T:
        """The variable's value by `parse`, or the default. Raises SettingInvalid."""
        plain = shown if shown is not None else ("" if default is None else str(default))
        self.declared[-1][1].append(Setting(name, kind, plain, text))
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return parse(value)
        except ValueError as error:
            raise SettingInvalid(f"{name}={value!r} cannot be read. It takes {kind}: {error}") from error

    def text(self, name: str, default: str, text: str, *, shown: str | None = None) -> str:
        """A setting that is a text."""
        return self.read(name, default, text, kind="a text", parse=str, shown=shown)

    def path(self, name: str, default: Path, text: str, *, shown: str | None = None) -> Path:
        """A setting that is a path; relative ones start at the working directory."""
        return self.read(
            name, default, text, kind="a path", parse=lambda value: Path(value).absolute(), shown=shown
        )

    def integer(self, name: str, default: int, text: str, *, minimum: int = 0) -> int:
        """A setting that is a whole number."""
        parse = partial(parse_integer, minimum=minimum)
        return self.read(name, default, text, kind="a whole number", parse=parse)

    def seconds(self, name: str, default: float, text: str) -> float:
        """A setting that is a time in seconds."""
        return self.read(name, default, text, kind="seconds", parse=parse_seconds, shown=f"{default:.15g}")

    def octets(self, name: str, default: str, text: str) -> int:
        """A setting that is a size; the default is given as a person would write it."""
        return self.read(name, parse_octets(default), text, kind="octets", parse=parse_octets, shown=default)

    def boolean(self, name: str, default: bool, text: str) -> bool:
        """A setting that is on or off."""
        return self.read(name, default, text, kind="1 or 0", parse=parse_boolean, shown=str(int(default)))

    def words(self, name: str, default: tuple[str, ...], text: str) -> tuple[str, ...]:
        """A setting that is a list of words."""
        return self.read(
            name, default, text, kind="words, separated by commas", parse=parse_words, shown=",".join(default)
        )

    def origin(self, name: str, text: str) -> str:
        """A setting that is where a web server is reached; "" without it."""
        return self.read(name, "", text, kind="scheme and host", parse=parse_origin)

    def networks(self, name: str, default: tuple[Network, ...], text: str) -> tuple[Network, ...]:
        """A setting that is a list of IP networks."""
        shown = ",".join(map(str, default))
        return self.read(
            name, default, text, kind="networks, separated by commas", parse=parse_networks, shown=shown
        )


def page(declared: list[tuple[str, list[Setting]]]) -> str:
    """docs/settings.md as Markdown."""
    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable, or a line `NAME=value` in an optional `.env` file beside",
        "`manage.py` (the environment wins). `./run` sets some of them itself, so that it works on any machine:",
        "ports above 1024, listeners on 127.0.0.1 alone, `capture` as the relay. This page is made from the code:",
        "`python -m mailhost.environment > docs/settings.md`.",
    ]
    for title, settings in declared:
        lines += [
            "",
            f"## {title}",
            "",
            "| variable | takes | default | what it does, and why |",
            "|---|---|---|---|",
        ]
        for setting in settings:
            default = f"`{setting.default}`" if setting.default else ""
            lines.append(f"| `{setting.name}` | {setting.kind} | {default} | {setting.text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from importlib import import_module

    sys.stdout.write(page(import_module("mailhost.settings").env.declared))
