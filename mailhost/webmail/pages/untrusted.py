"""What strangers have written, as answers of this host: HTML for a frame that can do nothing, and files to keep."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header

from mailhost.webmail.cleaning import clean_html
from mailhost.webmail.reading import Letter, attached, inline_images

# The frame's own policy: no script, no form, no frame, nothing loaded but images that are asked for. `sandbox` gives
# the page an origin of its own even where somebody opens its address by itself.
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:{images}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox{permissions}"
)
LINKS_OPEN = " allow-popups allow-popups-to-escape-sandbox"
# Shown by browsers as nothing that can run; all else is handed over as octets.
SAFE_TYPES = {"application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain"}


def framed(
    request: HttpRequest, letter: Letter, *, show_images: bool = False, links_open: bool = True
) -> HttpResponse:
    """The message's HTML, cleaned. show_images: those from other hosts are loaded."""
    body = clean_html(
        letter.message.text_html or "", inline_images=inline_images(letter), show_images=show_images
    )
    response = render(request, "webmail/framed.html", {"body": body})
    response["Content-Security-Policy"] = POLICY.format(
        images=" https: http:" if show_images else "", permissions=LINKS_OPEN if links_open else ""
    )
    response["Referrer-Policy"] = "no-referrer"
    return response


def attachment(octets: bytes, section: str) -> HttpResponse:
    """One attachment of a message. Raises MessageNotFound."""
    part = attached(octets, section)
    content_type = part.content_type if part.content_type in SAFE_TYPES else "application/octet-stream"
    return to_keep(part.octets, content_type, part.filename)


def to_keep(octets: bytes, content_type: str, filename: str) -> HttpResponse:
    """A file that the browser saves, and shows nothing of."""
    response = HttpResponse(octets, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, filename)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
