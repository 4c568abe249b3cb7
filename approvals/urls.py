"""Signing in, and signing."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from approvals import account, views

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("account/tokens/", account.token_page, name="tokens"),
    path("account/tokens/<uuid:token_id>/revoke/", account.token_revoke, name="token-revoke"),
    path("changesets/<str:digest>/sign/<slug:seat>/", views.changeset_sign, name="changeset-sign"),
    path("changesets/<str:digest>/sign/<slug:seat>/revoke/", views.changeset_revoke, name="changeset-revoke"),
    path("runs/<uuid:run_id>/sign/<slug:seat>/", views.run_sign, name="run-sign"),
    path("runs/<uuid:run_id>/sign/<slug:seat>/revoke/", views.run_revoke, name="run-revoke"),
    path("phases/<int:number>/sign/<slug:seat>/", views.phase_sign, name="phase-sign"),
    path("phases/<int:number>/sign/<slug:seat>/revoke/", views.phase_revoke, name="phase-revoke"),
]
