"""The code as text and as syntax trees, for tests that hold rules against it."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("mailhost", "domains", "mailboxes", "delivery")


@cache
def modules() -> dict[str, str]:
    """The source of every module of ours by dotted name; migrations are Django's work."""
    found: dict[str, str] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                found[name] = path.read_text(encoding="utf-8")
    return found


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of one of them."""
    return ast.parse(modules()[module])


def inside(package: str) -> list[str]:
    """The module of this name and all modules below it."""
    return [name for name in modules() if name == package or name.startswith(f"{package}.")]


def names_used(module: str) -> set[str]:
    """Every name and attribute that the module's code (not its comments) mentions."""
    used: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Attribute):
            used.add(node.attr)
        elif isinstance(node, ast.alias):
            used.update(node.name.split("."))
    return used
