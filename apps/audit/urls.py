"""Addresses of the trail. A person's number may stand in one; nothing personal does."""

from django.urls import path

from apps.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.trail, name="trail"),
    path("entries/<int:entry_id>/", views.entry, name="entry"),
    path("export/", views.export, name="export"),
    path("configuration/", views.configuration, name="configuration"),
    path("integrity/", views.integrity, name="integrity"),
    path("integrity/verify/", views.verify, name="verify"),
    path("reviews/", views.reviews, name="reviews"),
]
