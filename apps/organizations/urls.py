"""Addresses of the organization's settings."""

from django.urls import path

from apps.organizations import views

app_name = "organizations"
urlpatterns = [
    path("", views.edit, name="edit"),
    path("logo/", views.logo, name="logo"),
    path("logo/remove/", views.logo_remove, name="logo_remove"),
]
