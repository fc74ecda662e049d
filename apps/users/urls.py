"""Addresses of staff accounts, and the front page of the settings."""

from django.urls import path

from apps.users import views, views_account, views_staff

app_name = "users"
urlpatterns = [
    path("account/sign-in/", views.sign_in, name="sign_in"),
    path("account/sign-out/", views.sign_out, name="sign_out"),
    path("account/verify/", views.verify, name="verify"),
    path("account/enrol/", views.enrol, name="enrol"),
    path("account/invitation/<str:uid>/<str:token>/", views.invitation, name="invitation"),
    path("account/session/", views.session_state, name="session"),
    path("account/", views_account.account, name="account"),
    path("account/password/", views_account.password, name="password"),
    path("account/recovery-codes/", views_account.recovery_codes, name="recovery_codes"),
    path("account/sessions/end/", views_account.sessions, name="sessions_end"),
    path("settings/", views_staff.settings_index, name="settings"),
    path("settings/users/", views_staff.staff_list, name="list"),
    path("settings/users/invite/", views_staff.invite, name="invite"),
    path("settings/users/<int:user_id>/", views_staff.staff_detail, name="detail"),
    path("settings/users/<int:user_id>/link/", views_staff.new_link, name="new_link"),
    path("settings/users/<int:user_id>/disable/", views_staff.disable, name="disable"),
    path("settings/users/<int:user_id>/enable/", views_staff.enable, name="enable"),
    path("settings/users/<int:user_id>/unlock/", views_staff.unlock, name="unlock"),
    path("settings/users/<int:user_id>/reset-factor/", views_staff.reset_factor, name="reset_factor"),
]
