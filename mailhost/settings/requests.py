"""What a request may carry and what a page may do: sizes, cookies, https, content security policy."""

from mailhost.settings.listening import PORTS
from mailhost.settings.store import MAX_MESSAGE_OCTETS
from mailhost.settings.web import HTTPS

# What one request may carry: a message's files, and the form around them. Text alone stays small.
MAX_REQUEST_OCTETS = MAX_MESSAGE_OCTETS + (4 << 20)
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 << 20
DATA_UPLOAD_MAX_NUMBER_FILES = 100

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if not HTTPS:  # cookies know no ports: instances side by side on one machine would sign each other out
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"sessionid{PORTS['web']}", f"csrftoken{PORTS['web']}"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 86_400
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # asked by probes inside the host, which speak plain http
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"  # but for the HTML of a letter, which says so itself

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        # No script or style that stands in a page itself: nothing mailed in can be one.
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
