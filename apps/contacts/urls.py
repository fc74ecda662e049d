"""Addresses of people: numbers only."""

from django.urls import path

from apps.contacts.appointments import views as appointments
from apps.contacts.attributes import views as attributes
from apps.contacts.changes import views as changes
from apps.contacts.exports import views as exports
from apps.contacts.merging import views as merging
from apps.contacts.person.views import people, person

app_name = "contacts"
urlpatterns = [
    path("", people.contact_list, name="list"),
    path("new/", people.contact_new, name="new"),
    path("attributes/", attributes.attribute_list, name="attributes"),
    path("attributes/new/", attributes.attribute_new, name="attribute_new"),
    path("attributes/<int:attribute_id>/", attributes.attribute, name="attribute"),
    path("attributes/<int:attribute_id>/progress/", attributes.attribute_progress, name="attribute_progress"),
    path("attributes/<int:attribute_id>/<slug:act>/", attributes.attribute_act, name="attribute_act"),
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
