"""Addresses of staff accounts."""

from django.urls import path

from apps.users import views

app_name = "users"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("verify/", views.verify, name="verify"),
    path("enrol/", views.enrol, name="enrol"),
    path("invitation/<str:uid>/<str:token>/", views.invitation, name="invitation"),
    path("session/", views.session_state, name="session"),
]
