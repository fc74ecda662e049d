"""Addresses of people: numbers only."""

from django.urls import path

from apps.contacts.appointments import views as appointments
from apps.contacts.attributes import views as attributes
from apps.contacts.changes import views as changes
from apps.contacts.exports import views as exports
from apps.contacts.labs import views as labs
from apps.contacts.merging import views as merging
from apps.contacts.person.views import people, person
from apps.contacts.tags import bulk_views as bulk_tags
from apps.contacts.tags import views as tags

app_name = "contacts"
urlpatterns = [
    path("", people.contact_list, name="list"),
    path("new/", people.contact_new, name="new"),
    path("labs/", labs.lab_list, name="labs"),
    path("labs/new/", labs.lab_new, name="lab_new"),
    path("labs/<int:lab_id>/again/", labs.lab_renew, name="lab_renew"),
    path("attributes/", attributes.attribute_list, name="attributes"),
    path("attributes/new/", attributes.attribute_new, name="attribute_new"),
    path("attributes/<int:attribute_id>/", attributes.attribute, name="attribute"),
    path("attributes/<int:attribute_id>/progress/", attributes.attribute_progress, name="attribute_progress"),
    path("attributes/<int:attribute_id>/<slug:act>/", attributes.attribute_act, name="attribute_act"),
    path("tags/", tags.tag_list, name="tags"),
    path("tags/new/", tags.tag_new, name="tag_new"),
    path("tags/suggest/", tags.tag_suggest, name="tag_suggest"),
    path("tags/apply/", bulk_tags.tag_apply, name="tag_apply"),
    path("tags/jobs/<int:job_id>/", bulk_tags.tag_job, name="tag_job"),
    path("tags/jobs/<int:job_id>/progress/", bulk_tags.tag_job_progress, name="tag_job_progress"),
    path("tags/jobs/<int:job_id>/<slug:act>/", bulk_tags.tag_job_act, name="tag_job_act"),
    path("tags/<int:tag_id>/", tags.tag, name="tag"),
    path("tags/<int:tag_id>/delete/", tags.tag_delete, name="tag_delete"),
    path("exports/", exports.export_list, name="exports"),
    path("exports/new/", exports.export_new, name="export_new"),
    path("exports/<int:export_id>/", exports.export, name="export"),
    path("exports/<int:export_id>/progress/", exports.export_progress, name="export_progress"),
    path("exports/<int:export_id>/cancel/", exports.export_cancel, name="export_cancel"),
    path("exports/<int:export_id>/download/", exports.export_download, name="export_download"),
    path("visits/held/", appointments.held_list, name="visits_held"),
    path("changes/", changes.change_list, name="changes"),
    path("changes/decide/", changes.change_decide, name="changes_decide"),
    path("duplicates/", merging.duplicate_list, name="duplicates"),
    path("duplicates/search/", merging.duplicate_search, name="duplicates_search"),
    path("duplicates/search/<int:search_id>/", merging.duplicate_progress, name="duplicates_progress"),
    path("duplicates/search/<int:search_id>/<slug:act>/", merging.duplicate_search_act, name="duplicates_search_act"),
    path("duplicates/<int:pair_id>/different/", merging.duplicate_different, name="duplicates_different"),
    path("merges/<int:merge_id>/", merging.merged, name="merged"),
    path("<int:person_id>/merge/", merging.merge_choose, name="merge_choose"),
    path("<int:person_id>/merge/<int:other_id>/", merging.merge_compare, name="merge_compare"),
    path("<int:person_id>/", person.person, name="person"),
    path("<int:person_id>/edit/", people.contact_edit, name="edit"),
    path("<int:person_id>/erase/", people.contact_erase, name="erase"),
    path("<int:person_id>/erased/", people.contact_erased, name="erased"),
    path("<int:person_id>/reach/", person.person_reach, name="reach"),
    path("<int:person_id>/tags/", tags.person_tags, name="person_tags"),
    path("<int:person_id>/timeline/", person.person_timeline, name="timeline"),
    path("<int:person_id>/consents/", person.person_consents, name="consents"),
    path("<int:person_id>/suppression/", person.person_suppression, name="suppression"),
    path("<int:person_id>/appointments/", person.person_appointments, name="appointments"),
    path(
        "<int:person_id>/appointments/<int:appointment_id>/move/",
        appointments.appointment_move,
        name="appointment_move",
    ),
    path(
        "<int:person_id>/appointments/<int:appointment_id>/confirm/",
        appointments.appointment_confirm,
        name="appointment_confirm",
    ),
    path(
        "<int:person_id>/appointments/<int:appointment_id>/cancel/",
        appointments.appointment_cancel,
        name="appointment_cancel",
    ),
    path("<int:person_id>/access/", person.person_access, name="access"),
    path("<int:person_id>/reveal/<slug:field>/", person.reveal, name="reveal"),
    path("<int:person_id>/tab/<slug:key>/", person.person_panel, name="panel"),
]
