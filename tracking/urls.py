"""Pages of the tracked rows."""

from django.urls import path

from tracking import views

urlpatterns = [
    path("impacts/", views.ImpactList.as_view(), name="impacts"),
    path("impacts/new/", views.impact_new, name="impact-new"),
    path("impacts/<uuid:pk>/", views.impact_page, name="impact"),
    path("impacts/<uuid:pk>/edit/", views.impact_edit, name="impact-edit"),
    path("impacts/<uuid:pk>/business/", views.impact_business, name="impact-business"),
    path("impacts/<uuid:pk>/<slug:name>/", views.impact_move, name="impact-move"),
    path("phases/", views.phase_list, name="phases"),
    path("phases/<int:number>/", views.phase_page, name="phase"),
    path("phases/<int:number>/<slug:name>/", views.phase_move, name="phase-move"),
    path("tasks/", views.TaskList.as_view(), name="tasks"),
    path("tasks/<uuid:pk>/", views.task_page, name="task"),
    path("tasks/<uuid:pk>/dart/", views.task_dart, name="task-dart"),
    path("tasks/<uuid:pk>/<slug:name>/", views.task_move, name="task-move"),
    path("enums/", views.EnumList.as_view(), name="enums"),
    path("enums/<uuid:pk>/", views.enum_page, name="enum"),
    path("enums/<uuid:pk>/<slug:name>/", views.enum_move, name="enum-move"),
    path("files/", views.FileList.as_view(), name="files"),
    path("results/", views.ResultList.as_view(), name="results"),
    path("history/<slug:model>/<str:pk>/", views.history_page, name="history"),
]
