"""What every page of the admin is made of: changes go through verbs, facts become form errors, or nothing changes.

A verb runs in the transaction of the form view. Where it states a fact, the transaction is rolled back and the form
is shown once more with the fact above it.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst

if TYPE_CHECKING:
    AdminPage = admin.ModelAdmin[Any]
    VerbFormBase = forms.ModelForm[Any]
    Rows = QuerySet[Any]
    Pages = Paginator[Any]
    Inline = admin.TabularInline[Any, Any]
else:
    AdminPage = admin.ModelAdmin
    VerbFormBase = forms.ModelForm
    Rows = QuerySet
    Pages = Paginator
    Inline = admin.TabularInline


class Uncounted(Pages):
    """For lists of millions: counts no further than people turn pages."""

    MOST = 1_000

    @cached_property
    def count(self) -> int:
        """How many rows there are, or that there are very many."""
        rows: Any = self.object_list
        return len(rows.order_by().values_list("pk")[: self.MOST])


class HouseAdmin(AdminPage):
    """Lists under their own name, with few statements."""

    show_full_result_count = False  # a second count for each list; the first one says enough
    show_facets = admin.ShowFacets.NEVER  # a statement for each choice of each filter

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Django's, called what it lists. Postgres knows no NUL, and its filters ask for whatever stands in the URL."""
        if any("\0" in value for values in request.GET.lists() for value in values[1]):
            return HttpResponseRedirect(request.path)
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title} | (extra_context or {}))


class VerbForm(VerbFormBase):
    """A form whose values go to a verb; it can be told what the verb refused."""

    refusal = ""

    def clean(self) -> dict[str, Any] | None:
        """The verb's fact, on the second time round."""
        if self.refusal:
            raise ValidationError(self.refusal)
        return super().clean()

    def validate_unique(self) -> None:
        """Left to the verb, which looks under its lock and words it better."""


class VerbAdmin(HouseAdmin):
    """A model whose rows are made, changed and removed by verbs alone: see perform() and remove()."""

    form = VerbForm
    facts: tuple[type[Exception], ...] = ()
    list_max_show_all = 500

    def perform(self, request: HttpRequest, form: VerbForm, *, is_new: bool, by: str) -> Model:
        """Calls the verb with the form's values; the row as it is then."""
        raise PermissionError("this page changes nothing")

    def remove(self, row: Any, *, by: str) -> None:
        """Calls the verb that removes the row."""
        raise PermissionError("this page removes nothing")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, told what the verb has refused in this request."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.refusal = getattr(request, "refusal", "")
        return form

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Django's, and once more with the refusal where the verb stated a fact."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except self.facts as fact:
            request.refusal = str(fact)  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """Where Django would make an unsaved row, the verb makes or changes the real one."""
        return self.perform(request, form, is_new=not change, by=actor(request))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Nothing: the verb has done it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: the verb has done it."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """By the verb."""
        self.remove(obj, by=actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: Rows) -> None:
        """One by one: what cannot go stays, and says why."""
        for row in queryset:
            try:
                self.remove(row, by=actor(request))
            except self.facts as fact:
                messages.error(request, str(fact))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Django's; a fact leads back to the row."""
        try:
            return super().delete_view(request, object_id, extra_context)
        except self.facts as fact:
            messages.error(request, str(fact))
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(name, args=[object_id]))


class ReadOnlyAdmin(HouseAdmin):
    """A model that the admin shows and never changes."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody removes rows here."""
        return False


class ReadOnlyInline(Inline):
    """Rows under another one, to be read."""

    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes rows here."""
        return False


def actor(request: HttpRequest) -> str:
    """Who acts, as the audit trail says it."""
    return request.user.get_username()
