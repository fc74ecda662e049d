"""Addresses of imports: numbers only."""

from django.urls import path

from apps.imports import views
from apps.imports.events import views as events
from apps.imports.undo import views as undo

app_name = "imports"
urlpatterns = [
    path("", views.import_list, name="list"),
    path("new/", views.import_new, name="new"),
    path("<int:job_id>/", views.import_page, name="job"),
    path("<int:job_id>/columns/", views.import_columns, name="columns"),
    path("<int:job_id>/event-columns/", events.event_columns, name="event_columns"),
    path("<int:job_id>/undo/", undo.import_undo, name="undo"),
    path("<int:job_id>/undo/cancel/", undo.import_undo_cancel, name="undo_cancel"),
    path("<int:job_id>/level/", views.import_level, name="level"),
    path("<int:job_id>/reading/", views.import_reading, name="reading"),
    path("<int:job_id>/progress/", views.import_progress, name="progress"),
    path("<int:job_id>/rejected/", views.import_rejected, name="rejected"),
    path("<int:job_id>/unread/", views.import_unread, name="unread"),
    path("<int:job_id>/mapping/", views.import_mapping, name="mapping"),
    path("<int:job_id>/<slug:act>/", views.import_act, name="act"),
]
