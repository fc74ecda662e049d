"""Addresses of delivery: numbers only."""

from django.urls import path

from apps.delivery.hygiene import views as hygiene
from apps.delivery.letters import views as letters
from apps.delivery.outbox import views as messages
from apps.delivery.recipient_keys import views as people
from apps.delivery.returns import views as inbound
from apps.delivery.settings import views as setup
from apps.delivery.suppressions import views as suppressions

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
    path("people/<int:person_id>/key/", people.key_add, name="key_add"),
    path("people/keys/<int:key_id>/remove/", people.key_remove, name="key_remove"),
    path("list/", hygiene.hygiene, name="hygiene"),
    path("list/settings/", hygiene.hygiene_settings, name="hygiene_settings"),
    path("list/run/", hygiene.hygiene_run, name="hygiene_run"),
    path("list/wake/<int:person_id>/", hygiene.hygiene_wake, name="hygiene_wake"),
    path("suppressions/", suppressions.suppression_list, name="suppressions"),
    path("suppressions/new/", suppressions.suppression_new, name="suppression_new"),
    path("suppressions/list/", suppressions.opt_outs_new, name="opt_outs_new"),
    path("suppressions/export/", suppressions.export_new, name="suppression_export"),
    path("suppressions/<int:suppression_id>/lift/", suppressions.suppression_lift, name="suppression_lift"),
    path("suppressions/jobs/<int:job_id>/", suppressions.job, name="suppression_job"),
    path("suppressions/jobs/<int:job_id>/progress/", suppressions.job_progress, name="suppression_progress"),
    path("suppressions/jobs/<int:job_id>/cancel/", suppressions.job_cancel, name="suppression_cancel"),
    path("suppressions/jobs/<int:job_id>/download/", suppressions.job_download, name="suppression_download"),
    path("mail/", inbound.mail_list, name="mail_list"),
    path("mail/<int:mail_id>/", inbound.mail, name="mail"),
    path("mail/sorted/", inbound.mail_sorted, name="mail_sorted"),
    path("mail/<int:mail_id>/original/", inbound.mail_original, name="mail_original"),
    path("mail/<int:mail_id>/letter/", inbound.mail_to_letters, name="mail_to_letters"),
    path("mail/<int:mail_id>/finish/", inbound.mail_finish, name="mail_finish"),
    path("mail/unproven/", letters.unproven, name="mail_unproven"),
    path("mail/<int:mail_id>/who/", letters.who, name="mail_who"),
    path("mail/<int:mail_id>/who/<int:person_id>/", letters.choose, name="mail_choose"),
    path("mail/<int:mail_id>/who/release/", letters.release, name="mail_release"),
    path("mail/<int:mail_id>/files/<str:path>/", letters.file, name="mail_file"),
    path("mail/<int:mail_id>/files/<str:path>/pages/<int:page>/", letters.picture, name="mail_picture"),
]
