"""Icons and times for the templates."""

from datetime import datetime

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """An image of static/mailhost/icons.svg; it says nothing to screen readers, the text beside it does."""
    return format_html(
        '<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("mailhost/icons.svg"), name
    )


@register.filter
def short_moment(at: datetime) -> str:
    """The hour today, the day this year, else the date: what a list has room for."""
    here, now = timezone.localtime(at), timezone.localtime()
    if here.date() == now.date():
        return date_format(here, "H:i")
    return date_format(here, "j M" if here.year == now.year else "j M Y")


@register.filter
def moment(at: datetime) -> str:
    """As short_moment, always with the hour."""
    here, now = timezone.localtime(at), timezone.localtime()
    if here.date() == now.date():
        return date_format(here, "H:i")
    return date_format(here, "j M, H:i" if here.year == now.year else "j M Y, H:i")


@register.filter
def first_word(text: str) -> str:
    """Of a TLS session its version: the cipher is for those who look closer."""
    return text.partition(" ")[0]


@register.filter
def initial(name: str) -> str:
    """The letter that stands for somebody."""
    return next((character.upper() for character in name if character.isalnum()), "?")


@register.filter
def unlocalized(number: float, digits: int) -> str:
    """As SVG has it, whatever the reader's language."""
    return f"{number:.{digits}f}"


@register.filter
def points(score: float) -> str:
    """With as many digits as it has."""
    return f"{score:g}"


@register.filter
def thousands(number: int) -> str:
    """As "1,234,567", whatever the reader's language."""
    return f"{number:,}"
