"""The panel's addresses."""

from django.urls import path
from django.views.generic import RedirectView

from mailhost.panel.pages import deliveries, delivery_test, problems, reports

app_name = "panel"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="panel:deliveries"), name="start"),
    path("deliveries/", deliveries.show_deliveries, name="deliveries"),
    path("deliveries/message/", deliveries.show_message, name="delivery-of-message"),
    path("delivery-test/", delivery_test.test_delivery, name="delivery-test"),
    path("problems/", problems.show_problems, name="problems"),
    path("reports/", reports.show_reports, name="reports"),
    path("reports/<str:domain>/", reports.show_picture, name="picture"),
]
