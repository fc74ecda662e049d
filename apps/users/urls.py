"""Addresses of staff accounts, and the front page of the settings."""

from django.urls import path

from apps.users.views import account, sign_in, staff

app_name = "users"
urlpatterns = [
    path("account/sign-in/", sign_in.sign_in, name="sign_in"),
    path("account/sign-out/", sign_in.sign_out, name="sign_out"),
    path("account/verify/", sign_in.verify, name="verify"),
    path("account/enrol/", sign_in.enrol, name="enrol"),
    path("account/invitation/<str:uid>/<str:token>/", sign_in.invitation, name="invitation"),
    path("account/session/", sign_in.session_state, name="session"),
    path("account/", account.account, name="account"),
    path("account/compact/", account.compact, name="compact"),
    path("account/password/", account.password, name="password"),
    path("account/recovery-codes/", account.recovery_codes, name="recovery_codes"),
    path("account/sessions/end/", account.sessions, name="sessions_end"),
    path("account/session/end/", account.session, name="session_end"),
    path("settings/", staff.settings_index, name="settings"),
    path("settings/users/", staff.staff_list, name="list"),
    path("settings/users/invite/", staff.invite, name="invite"),
    path("settings/users/<int:user_id>/", staff.staff_detail, name="detail"),
    path("settings/users/<int:user_id>/link/", staff.new_link, name="new_link"),
    path("settings/users/<int:user_id>/session/end/", staff.session_end, name="staff_session_end"),
    path("settings/users/<int:user_id>/disable/", staff.disable, name="disable"),
    path("settings/users/<int:user_id>/enable/", staff.enable, name="enable"),
    path("settings/users/<int:user_id>/unlock/", staff.unlock, name="unlock"),
    path("settings/users/<int:user_id>/reset-factor/", staff.reset_factor, name="reset_factor"),
]
