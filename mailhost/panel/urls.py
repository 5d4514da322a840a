"""The panel's addresses."""

from django.urls import path

from mailhost.panel.pages import (
    deliveries,
    delivery_test,
    dkim,
    frame,
    problems,
    queue,
    reports,
    suppressions,
)

app_name = "panel"

urlpatterns = [
    path("", frame.start, name="start"),
    path("deliveries/", deliveries.show_deliveries, name="deliveries"),
    path("deliveries/message/", deliveries.show_message, name="delivery-of-message"),
    path("delivery-test/", delivery_test.test_delivery, name="delivery-test"),
    path("dkim/", dkim.show_keys, name="dkim"),
    path("problems/", problems.show_problems, name="problems"),
    path("queue/", queue.show_queue, name="queue"),
    path("queue/numbers/", queue.show_numbers, name="queue-numbers"),
    path("queue/preview/", queue.show_preview, name="queue-preview"),
    path("queue/orders/<int:order_id>/", queue.show_order, name="queue-order"),
    path("queue/orders/<int:order_id>/stop/", queue.stop_order, name="queue-stop"),
    path("suppressions/", suppressions.show_suppressions, name="suppressions"),
    path("reports/", reports.show_reports, name="reports"),
    path("reports/<str:domain>/", reports.show_picture, name="picture"),
]
