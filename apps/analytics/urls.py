"""Home, the status page and the health check."""

from django.urls import path

from apps.analytics import views

app_name = "analytics"
urlpatterns = [
    path("", views.home, name="home"),
    path("settings/status/", views.status, name="status"),
    path("healthz", views.healthz, name="healthz"),
]
