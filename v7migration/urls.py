"""The pages."""

from django.contrib import admin
from django.urls import include, path, re_path

from v7migration import views
from v7migration.api.docs import docs_page
from v7migration.api.v1 import api

handler500 = "v7migration.views.errors.server_error"

urlpatterns = [
    path("", views.home, name="home"),
    path("enums/groups/", views.enum_groups, name="enum-groups"),
    path("enums/groups/<slug:key>/", views.enum_group, name="enum-group"),
    path("", include("approvals.urls")),
    path("", include("tracking.urls")),
    path("baseline/", views.baseline, name="baseline"),
    path("baseline/<uuid:key>/", views.baseline, name="baseline"),
    path("code/", views.code_map, name="code-map"),
    path("code/<uuid:key>/", views.code_map_change, name="code-map-change"),
    path("files/file/", views.file_page, name="file"),
    path("files/inventory/", views.file_inventory, name="file-inventory"),
    path("coverage/", views.coverage_page, name="coverage"),
    path("coverage/cell/", views.coverage_cell, name="coverage-cell"),
    path("coverage/sign/", views.coverage_sign, name="coverage-sign"),
    path("reviews/", views.review_list, name="reviews"),
    path("reviews/<uuid:review_id>/", views.review_page, name="review"),
    path("changesets/", views.changeset_list, name="changesets"),
    path("changesets/<str:digest>/", views.changeset_page, name="changeset"),
    path("runs/", views.run_list, name="runs"),
    path("runs/<uuid:run_id>/", views.run_page, name="run"),
    path("runs/<uuid:run_id>/progress/", views.run_progress, {"fragment": True}, name="run-progress"),
    path("runs/<uuid:run_id>/stop/", views.run_stop, name="run-stop"),
    path("runs/<uuid:run_id>/validation/", views.run_validation, name="run-validation"),
    path("runs/<uuid:run_id>/issue/", views.run_issue, name="run-issue"),
    path("incidents/", views.incident_list, name="incidents"),
    path("incidents/<uuid:incident_id>/", views.incident_page, name="incident"),
    path("incidents/<uuid:incident_id>/grade/", views.incident_grade, name="incident-grade"),
    path("criteria/", views.criteria_page, name="criteria"),
    path("document/", views.document_page, name="document"),
    path("dart/", views.dart_page, name="dart"),
    path("dart/record/", views.dart_record, name="dart-record"),
    path("dart/retry/", views.dart_retry, name="dart-retry"),
    path("dependencies/", views.dependency_page, name="dependencies"),
    re_path(r"^dependencies\.(?P<form>svg|json)$", views.dependency_file, name="dependency-file"),
    path("api/v1/docs", docs_page, name="api-docs"),
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
]
