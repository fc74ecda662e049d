from django.urls import path

from apps.tracking import views

app_name = "tracking"
# One character set and no closing slash: mail programs must never be redirected (RFC 8058 section 3.1).
urlpatterns = [
    path("c/<str:token>", views.click, name="click"),
    path("u/<str:token>", views.unsubscribe, name="unsubscribe"),
]
