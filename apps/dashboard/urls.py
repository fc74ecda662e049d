"""Home, the status page and the health check."""

from django.urls import path

from apps.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.home, name="home"),
    path("settings/status/", views.status, name="status"),
    path("healthz", views.healthz, name="healthz"),
]
