"""Addresses that belong to no noun."""

from django.urls import path

from apps.core import showcase

app_name = "core"
urlpatterns = [path("components", showcase.components, name="components")]
