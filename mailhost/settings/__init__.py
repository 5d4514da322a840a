"""Django's settings: a module for each section of docs/settings.md, which is made from what they declare.

Django wants all of them in one module: so each is imported whole here, and nowhere else. The page has the sections in
the order of these lines; a module takes what it needs of others by name, from those above it alone.
"""

from mailhost.settings.source import *
from mailhost.settings.places import *
from mailhost.settings.listening import *
from mailhost.settings.relaying import *
from mailhost.settings.queue import *
from mailhost.settings.web import *
from mailhost.settings.signing import *
from mailhost.settings.sign_in import *
from mailhost.settings.store import *
from mailhost.settings.bans import *
from mailhost.settings.filters import *
from mailhost.settings.reports import *
from mailhost.settings.checkers import *
from mailhost.settings.submission import *
from mailhost.settings.guard import *
from mailhost.settings.smtp import *
from mailhost.settings.pop3 import *
from mailhost.settings.imap import *
from mailhost.settings.framework import *
from mailhost.settings.requests import *
from mailhost.settings.logs import *
from mailhost.settings.databases import *
