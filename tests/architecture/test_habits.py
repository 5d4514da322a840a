"""Rules of docs/architecture.md and CONTRIBUTING.md that a tool does not hold by itself."""

import ast
import re

import pytest

from tests.architecture.code import ROOT, inside, modules, names_used, tree

GPL = {"aioimaplib", "html2text", "radicale", "milter", "Milter"}
VAGUE = re.compile(r"(Manager|Handler|Service|Processor)$|(^|\.)(utils|helpers)$")
DJANGO_ASYNC = {
    "sync_to_async",
    "async_to_sync",
    "aget",
    "acreate",
    "afirst",
    "aexists",
    "acount",
    "asave",
    "adelete",
}


def test_nothing_crosses_the_asynchronous_seam_but_through_net() -> None:
    outside = [name for name in modules() if not name.startswith("mailhost.net")]
    assert [name for name in outside if names_used(name) & DJANGO_ASYNC] == []


def test_protocols_ask_no_clock() -> None:
    asking = {"now", "utcnow", "today", "monotonic", "perf_counter"}
    called = {
        node.func.attr
        for name in inside("mailhost.protocols")
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not called & asking


def test_protocols_read_no_settings() -> None:
    assert [name for name in inside("mailhost.protocols") if {"settings", "environ"} & names_used(name)] == []


def test_no_library_under_the_gpl_is_imported() -> None:
    for name in modules():
        for node in ast.walk(tree(name)):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                imported = [node.module]
            assert not GPL & {each.partition(".")[0] for each in imported}, name


@pytest.mark.parametrize("name", sorted(modules()))
def test_a_module_says_what_it_is(name: str) -> None:
    if not tree(name).body:
        return  # an empty __init__
    opening = ast.get_docstring(tree(name))
    assert opening


def test_names_say_something() -> None:
    classes = [
        f"{name}.{node.name}"
        for name in modules()
        for node in ast.walk(tree(name))
        if isinstance(node, ast.ClassDef)
    ]
    assert [
        name for name in [*modules(), *classes] if VAGUE.search(name) and not name.endswith("AccountManager")
    ] == []


def test_nothing_is_left_for_later() -> None:
    for name, source in modules().items():
        assert not re.search(r"\b(TODO|FIXME|XXX)\b", source), name
        assert "NotImplementedError" not in names_used(name), name


def test_ignored_types_say_which() -> None:
    tests = {str(path): path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    for name, source in {**modules(), **tests}.items():
        assert not re.search(r"# type: ignore(?!\[)(?!\" )", source) or name.endswith("test_habits.py"), name


def test_no_test_sleeps() -> None:
    """Support may, where another process tells nothing, and benchmarks, which let a machine settle."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path.name != "test_habits.py":
            assert "time.sleep" not in path.read_text(encoding="utf-8"), path


def test_apps_have_no_signals_between_them() -> None:
    signals = {"post_save", "pre_save", "post_delete", "pre_delete", "m2m_changed", "receiver"}
    # protocols knows no Django; the receiver of RFC 7208 is a host, and filters.authentication names it.
    spf = ("mailhost.protocols.", "delivery.filters.authentication")
    outside = [name for name in modules() if not name.startswith(spf)]
    assert [name for name in outside if names_used(name) & signals] == []
