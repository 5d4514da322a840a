"""Webmail's addresses. A message is known by its mailbox and UID."""

from django.urls import path, register_converter

from mailhost.webmail.pages import (
    account,
    compose,
    deliveries,
    filters,
    letter,
    message_list,
    outbox,
    quarantine,
    senders,
    suppressions,
)


class NumberConverter:
    """An id or a UID: what a bigint holds."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Its digits."""
        return str(value)


register_converter(NumberConverter, "number")

app_name = "webmail"

urlpatterns = [
    path("", message_list.start, name="start"),
    path("account/", account.show_account, name="account"),
    path("news/", message_list.news, name="news"),
    path("quarantine/", quarantine.show_quarantine, name="quarantine"),
    path("quarantine/act/", quarantine.act_on_held, name="quarantine-act"),
    path("outbox/", outbox.show_outbox, name="outbox"),
    path("outbox/<number:message_id>/take-back/", outbox.take_back_sent, name="take-back"),
    path("outbox/<number:message_id>/cancel/", outbox.cancel, name="cancel"),
    path("outbox/<number:message_id>/send-now/", outbox.let_go, name="send-now"),
    path("quarantine/<number:held_id>/", quarantine.show_held, name="held"),
    path("quarantine/<number:held_id>/html/", quarantine.show_held_html, name="held-html"),
    path("quarantine/<number:held_id>/parts/<str:section>/", quarantine.download_held_part, name="held-part"),
    path("senders/", senders.show_senders, name="senders"),
    path("suppressions/", suppressions.show_suppressions, name="suppressions"),
    path("filters/", filters.show_filters, name="filters"),
    path("deliveries/", deliveries.show_deliveries, name="deliveries"),
    path("deliveries/message/", deliveries.show_message, name="delivery-of-message"),
    path("new/", compose.compose_new, name="compose"),
    path("new/suppressed/", suppressions.tell_of_suppressed, name="tell-of-suppressed"),
    path("<number:mailbox_id>/", message_list.show_list, name="list"),
    path("<number:mailbox_id>/marks/", message_list.marks, name="marks"),
    path("<number:mailbox_id>/act/", message_list.act, name="act"),
    path("<number:mailbox_id>/<number:uid>/", letter.show_letter, name="letter"),
    path("<number:mailbox_id>/<number:uid>/sender/", senders.rule_sender, name="sender"),
    path("<number:mailbox_id>/<number:uid>/html/", letter.show_html, name="html"),
    path("<number:mailbox_id>/<number:uid>/delivery/", letter.show_delivery, name="delivery"),
    path("<number:mailbox_id>/<number:uid>/source/", letter.show_source, name="source"),
    path("<number:mailbox_id>/<number:uid>/download/", letter.download, name="download"),
    path("<number:mailbox_id>/<number:uid>/parts/<str:section>/", letter.download_part, name="part"),
    path("<number:mailbox_id>/<number:uid>/<slug:mode>/", compose.compose_from, name="compose-from"),
]
