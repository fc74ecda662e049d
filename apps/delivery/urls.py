"""Addresses of delivery: numbers only."""

from django.urls import path

from apps.delivery.views import messages, setup

app_name = "delivery"
urlpatterns = [
    path("", messages.overview, name="overview"),
    path("messages/<int:message_id>/", messages.message, name="message"),
    path("messages/<int:message_id>/progress/", messages.message_progress, name="message_progress"),
    path("messages/<int:message_id>/stop/", messages.message_stop, name="message_stop"),
    path("messages/<int:message_id>/doubtful/", messages.doubtful, name="doubtful"),
    path("servers/", setup.servers, name="servers"),
    path("settings/", setup.settings, name="settings"),
    path("keys/", setup.signing_keys, name="signing_keys"),
    path("keys/<int:key_id>/", setup.signing_key_act, name="signing_key_act"),
    path("test/", setup.test, name="test"),
]
