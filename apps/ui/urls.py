"""Addresses that belong to no noun."""

from django.urls import path

from apps.ui import showcase

app_name = "ui"
urlpatterns = [path("components", showcase.components, name="components")]
