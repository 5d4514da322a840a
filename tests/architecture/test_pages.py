"""Pages in docs/ that have to agree with the code."""

import re

from mailhost import environment, settings
from tests.architecture.code import ROOT, inside, modules

CITED = re.compile(r"RFC\s+(\d{3,5})")
ROW = re.compile(r"^\| (?:RFC (\d+)|[^|]+) \|([^|]+)\|([^|]+)\|$", re.MULTILINE)
MODULE = re.compile(r"`([\w.]+)`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)")


def test_the_settings_page_is_made_from_the_code() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == environment.page(settings.env.declared), (
        "python -m mailhost.environment > docs/settings.md"
    )


def standards() -> dict[str, list[str]]:
    """The table of docs/standards.md: modules by RFC number."""
    page = (ROOT / "docs" / "standards.md").read_text(encoding="utf-8")
    return {row[1]: MODULE.findall(row[3]) for row in ROW.finditer(page) if row[1]}


def cited_in(name: str) -> set[str]:
    """RFC numbers that a module, or a package's modules, mention."""
    return {number for module in inside(name) for number in CITED.findall(modules()[module])}


def test_every_standard_that_the_code_cites_stands_in_the_table() -> None:
    cited = {number for name in modules() for number in CITED.findall(modules()[name])}
    assert sorted(cited - set(standards()), key=int) == []


def test_every_module_in_the_table_exists_and_cites_its_standard() -> None:
    wrong = [
        f"RFC {number}: {name}"
        for number, names in standards().items()
        for name in names or ["no module named"]
        if number not in cited_in(name)
    ]
    assert wrong == []


def test_the_table_is_in_order_and_names_each_standard_once() -> None:
    page = (ROOT / "docs" / "standards.md").read_text(encoding="utf-8")
    numbers = [int(row[1]) for row in ROW.finditer(page) if row[1]]
    assert numbers == sorted(set(numbers))


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert pages
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_modules_that_the_pages_name_exist() -> None:
    """`mailboxes.store.append` in a page is a module, or a name in one."""
    wrong = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for name in re.findall(
            r"`((?:mailhost|domains|mailboxes|delivery)(?:\.\w+)+)`", page.read_text(encoding="utf-8")
        ):
            if not (name in modules() or name.rpartition(".")[0] in modules()):
                wrong.append(f"{page.name}: {name}")
    assert wrong == []
