"""The search's form, its rows and a message's way as pages show them: the same to everybody, each within a scope."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, QueryDict
from django.utils import timezone

from delivery.models.trace import Outcome
from delivery.trace import wording
from delivery.trace.asking import MAX_WORDS, Asked, Scope
from delivery.trace.notices import Notice, number_of, opened
from delivery.trace.searching import Found, PlaceInvalid, find
from delivery.trace.timeline import Judgement, Timeline, key_of, read_timeline

SHOWN: Final = 100
DONE: Final = ("delivered to the inbox", "put into Junk", "held in quarantine", "refused")


def _input(kind: str, **attributes: str) -> dict[str, str]:
    return {"class": "input", "type": kind} | attributes


def _day() -> forms.DateInput:
    return forms.DateInput(attrs=_input("date"), format="%Y-%m-%d")


class SearchForm(forms.Form):
    """What is looked for; everything may be left out. Days are the reader's own. domains: one of them may be chosen."""

    q = forms.CharField(
        label="Looking for",
        required=False,
        max_length=MAX_WORDS,
        widget=forms.TextInput(
            attrs=_input("search", placeholder="Sender, recipient, Message-ID, host's address, domain or id")
        ),
    )
    sender = forms.CharField(
        label="From", required=False, max_length=MAX_WORDS, widget=forms.TextInput(attrs=_input("text"))
    )
    recipient = forms.CharField(
        label="To", required=False, max_length=MAX_WORDS, widget=forms.TextInput(attrs=_input("text"))
    )
    subject = forms.CharField(
        label="Words of the subject",
        required=False,
        max_length=MAX_WORDS,
        widget=forms.TextInput(attrs=_input("text")),
    )
    domain = forms.ChoiceField(label="Domain", required=False, widget=forms.Select(attrs={"class": "input"}))
    state = forms.ChoiceField(
        label="What became of it",
        required=False,
        choices=[("", "Anything"), *wording.STATES.items()],
        widget=forms.Select(attrs={"class": "input"}),
    )
    first = forms.DateField(label="From day", required=False, widget=_day())
    last = forms.DateField(label="To day", required=False, widget=_day())

    def __init__(self, asked: QueryDict, *, domains: tuple[str, ...]) -> None:
        super().__init__(_as_now(asked))
        domain = self.fields["domain"]
        assert isinstance(domain, forms.ChoiceField)
        domain.choices = [("", "All"), *((name, name) for name in domains)]
        domain.error_messages["invalid_choice"] = "This is none of the domains that you see."
        if not domains:
            del self.fields["domain"]
        if not settings.TRACE_SUBJECTS:
            del self.fields["subject"]

    @property
    def is_search(self) -> bool:
        """Something is looked for."""
        return any(self.cleaned_data.values())

    def asked(self) -> Asked:
        """As the search takes it, of a form that is valid."""
        found = self.cleaned_data
        return Asked(
            text=found["q"],
            sender=found["sender"],
            recipient=found["recipient"],
            subject=found.get("subject", ""),
            states=(found["state"],) if found["state"] else (),
            since=_midnight(found["first"]),
            until=_midnight(found["last"], days_later=1),
        )


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its words. key: by which the page of its message is asked for, "" where it has none. tls: in full."""

    row: Found
    key: str
    became: str
    secure: str
    tls: str
    whence: str
    tone: str

    @classmethod
    def of(cls, row: Found) -> "Line":
        """In plain words."""
        came = wording.whence(row) if row.source == "inbound" else ""
        return cls(
            row,
            key_of(row),
            wording.what_became(row),
            wording.how_secure(row),
            wording.tls_in_full(row),
            came,
            wording.tone(row),
        )


@dataclass(frozen=True, slots=True)
class ToldStep:
    """A step of a message's way. is_first: of what one client brought at once: how it came is said here, and what the
    filters did with it. notice: what its sender was told, where the step names one that was looked for (has_notice) and
    is kept.
    """

    line: Line
    forward_paths: tuple[str, ...]
    original_paths: tuple[str, ...]
    is_first: bool
    judgements: tuple["ToldJudgement", ...]
    has_notice: bool
    notice: Notice | None


@dataclass(frozen=True, slots=True)
class ToldJudgement:
    """What the filters did, in words."""

    judgement: Judgement
    done: str


def search_page(
    request: HttpRequest, scope: Scope, *, domains: tuple[str, ...] = ()
) -> tuple[dict[str, Any], int]:
    """What templates/trace/search.html is given, and the page's status. A search that makes no sense finds nothing."""
    form = SearchForm(request.GET, domains=domains)
    rows: list[Line] = []
    following = ""
    if form.is_valid():
        if chosen := form.cleaned_data.get("domain"):
            scope = Scope(domains=(chosen,))
        try:
            page = find(
                form.asked(), scope, limit=SHOWN, now=timezone.now(), after=request.GET.get("after", "")[:200]
            )
        except PlaceInvalid:
            raise Http404("No page begins there.") from None
        rows = [Line.of(row) for row in page.rows]
        following = _following(request.GET, page.following)
    context = {
        "form": form,
        "rows": rows,
        "following": following,
        "is_search": form.is_valid() and form.is_search,
        "days": settings.TRACE_DAYS,
    }
    return context, 200 if form.is_valid() else 422


def message_page(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """What templates/trace/message.html is given: of the message that `?id=` means. Raises Http404."""
    timeline = read_timeline(request.GET.get("id", ""), scope, now=timezone.now())
    if timeline is None:
        raise Http404("Nothing is known of this message (any more).")
    return {
        "timeline": timeline,
        "steps": _told(timeline),
        "standing": [Line.of(row) for row in timeline.standing],
        "days": settings.TRACE_DAYS,
    }


def _told(timeline: Timeline) -> list[ToldStep]:
    seen: set[tuple[str, str]] = set()
    looked_for = set(opened(step.row for step in timeline.steps))
    steps = []
    for step in timeline.steps:
        came = (step.row.session, step.row.trace_id)
        is_first = step.row.source == "inbound" and came not in seen
        seen |= {came} if step.row.source == "inbound" else set()
        said = [each for each in timeline.judgements if is_first and each.trace_id == step.row.trace_id]
        judgements = tuple(ToldJudgement(each, DONE[each.action]) for each in said)
        number = number_of(step.row)
        notice = timeline.notices.get(number) if number is not None else None
        line = Line.of(step.row)
        paths = (step.forward_paths, step.original_paths)
        steps.append(ToldStep(line, *paths, is_first, judgements, number in looked_for, notice))
    return steps


def _as_now(asked: QueryDict) -> QueryDict:
    """Links to the search as it was before: what became of it was a number then."""
    for name in ("outcome", "outcome__exact"):
        number = asked.get(name, "")
        if number.isascii() and number.isdigit() and len(number) < 3 and "state" not in asked:
            asked = asked.copy()
            known = {str(each.value): each.name.lower() for each in Outcome}
            asked["state"] = known.get(number, number)
    return asked


def _following(asked: QueryDict, place: str) -> str:
    if not place:
        return ""
    kept = [(name, value) for name, value in asked.items() if value and name != "after"]
    return urlencode([*kept, ("after", place)])


def _midnight(day: date | None, *, days_later: int = 0) -> datetime | None:
    """When the day begins where the reader is; None beyond what there is of days."""
    if day is None:
        return None
    try:
        return datetime.combine(
            day + timedelta(days=days_later), time.min, tzinfo=timezone.get_current_timezone()
        )
    except OverflowError:
        return None
