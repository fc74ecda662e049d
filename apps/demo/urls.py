"""Addresses of the demo."""

from django.urls import path

from apps.demo import views

app_name = "demo"
urlpatterns = [
    path("codes/", views.codes, name="codes"),
]
