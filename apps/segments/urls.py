"""Addresses of segments."""

from django.urls import path

from apps.segments import views

app_name = "segments"
urlpatterns = [
    path("", views.segment_list, name="list"),
    path("new/", views.edit, name="new"),
    path("rows/", views.builder_rows, name="rows"),
    path("preview/", views.preview, name="preview"),
    path("terms/", views.find_terms, name="terms"),
    path("<int:segment_id>/", views.detail, name="detail"),
    path("<int:segment_id>/people/", views.people, name="people"),
    path("<int:segment_id>/edit/", views.edit, name="edit"),
    path("<int:segment_id>/count/", views.count, name="count"),
    path("<int:segment_id>/duplicate/", views.duplicate, name="duplicate"),
    path("<int:segment_id>/delete/", views.delete, name="delete"),
    path("<int:segment_id>/why/<int:person_id>/", views.why, name="why"),
]
