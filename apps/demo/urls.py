"""Addresses of the demo."""

from django.urls import path

from apps.demo import mailboxes, views

app_name = "demo"
urlpatterns = [
    path("codes/", views.codes, name="codes"),
    path("clinic/", views.clinic, name="clinic"),
    path("mailboxes/", mailboxes.mailboxes, name="mailboxes"),
    path("mailboxes/<str:message_id>/", mailboxes.letter, name="letter"),
    path("mailboxes/<str:message_id>/html/", mailboxes.letter_html, name="letter_html"),
]
