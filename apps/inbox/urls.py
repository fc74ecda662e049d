"""Addresses of tasks. Ids only."""

from django.urls import path

from apps.inbox import views

app_name = "inbox"
urlpatterns = [
    path("", views.tasks, name="tasks"),
    path("<int:task_id>/", views.task, name="task"),
    path("<int:task_id>/done/", views.done, name="task_done"),
    path("<int:task_id>/<slug:address>/", views.act, name="task_act"),
]
