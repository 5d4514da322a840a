"""HTML of received mail made harmless: no scripts, forms, frames or styles that reach out; remote images on request.

The second wall; the first is the sandboxed frame with a policy of its own that it is shown in (pages/untrusted.py).
"""

import re
from collections.abc import Mapping
from functools import partial
from urllib.parse import unquote

import nh3

TAGS = nh3.ALLOWED_TAGS | {
    "font",
    "center",
    "u",
    "big",
    "section",
    "article",
    "main",
    "header",
    "footer",
    "picture",
}
TABLE_ATTRIBUTES = {"align", "valign", "bgcolor", "width", "height", "border", "cellpadding", "cellspacing"}
ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": {"style", "dir", "lang", "title", "align"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height", "border"},
    "font": {"color", "face", "size"},
    "table": TABLE_ATTRIBUTES | {"summary"},
    "tr": TABLE_ATTRIBUTES,
    "td": TABLE_ATTRIBUTES | {"colspan", "rowspan", "nowrap"},
    "th": TABLE_ATTRIBUTES | {"colspan", "rowspan", "nowrap", "scope"},
    "ol": {"start", "type"},
}
# What letters are laid out with. None of these can load anything or leave the frame's flow.
_EDGES = ("", "-top", "-right", "-bottom", "-left")
STYLES = (
    {f"{box}{edge}" for box in ("margin", "padding", "border") for edge in _EDGES}
    | {f"border{edge}-{part}" for edge in _EDGES for part in ("color", "style", "width")}
    | {f"font{part}" for part in ("", "-family", "-size", "-style", "-variant", "-weight")}
    | {f"text-{part}" for part in ("align", "decoration", "indent", "transform")}
    | {
        "background-color",
        "border-collapse",
        "border-radius",
        "border-spacing",
        "color",
        "direction",
        "display",
    }
    | {
        "float",
        "clear",
        "height",
        "letter-spacing",
        "line-height",
        "list-style-type",
        "max-height",
        "max-width",
    }
    | {"min-height", "min-width", "table-layout", "vertical-align", "white-space", "width", "word-break"}
)
LINK_SCHEMES = ("http:", "https:", "mailto:", "tel:")


# Bounded, so that a letter of nothing but "<img" costs no more than its length.
REMOTE_IMAGE = re.compile(r"<img\b[^>]{0,4000}?\ssrc\s*=\s*[\"']?\s*https?:", re.IGNORECASE)


def has_remote_images(html: str) -> bool:
    """Whether the letter would load images from other hosts: that tells its sender who read it, when and where."""
    return REMOTE_IMAGE.search(html) is not None


def clean_html(html: str, *, inline_images: Mapping[str, str], show_images: bool) -> str:
    """Harmless HTML. `inline_images` maps Content-IDs (without brackets) to data: URLs of the message's own images."""
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=partial(_keep, inline_images, show_images),
        filter_style_properties=STYLES,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )


def _keep(inline_images: Mapping[str, str], show_images: bool, tag: str, name: str, value: str) -> str | None:
    """The attribute's value as it is shown; None leaves the attribute out."""
    start = value.strip().lower()
    if name == "src":
        if start.startswith("cid:"):
            return inline_images.get(unquote(value.strip()[4:]))
        if start.startswith(("http:", "https:")):
            return value if show_images else None
        return value if start.startswith("data:image/") and not start.startswith("data:image/svg") else None
    if name in {"href", "cite"}:
        return value if start.startswith(LINK_SCHEMES) else None
    if name == "style" and ("url(" in start or "expression(" in start):
        return None
    return value
