"""Which page stands where."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from mailhost.webmail.first_operator import make_first_operator
from mailhost.webmail.health import health
from mailhost.webmail.sign_in import SignIn, enter_admin, own_account

urlpatterns: list[URLPattern | URLResolver] = [
    path("", SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("first-operator/<str:token>/", make_first_operator, name="first-operator"),
    path("mail/", include("mailhost.webmail.urls")),
    path("panel/", include("mailhost.panel.urls")),
    path("api/", include("mailhost.api.urls")),
    path("admin/login/", enter_admin),
    path("admin/password_change/", own_account),  # Django's own would leave the SCRAM keys behind
    path("admin/", admin.site.urls),
    path("health/", health, name="health"),
]

handler500 = "mailhost.webmail.errors.server_error"
