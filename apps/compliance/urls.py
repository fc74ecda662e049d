from django.urls import path

from apps.compliance import breach_views, views

app_name = "compliance"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("vendors/new/", views.vendor_new, name="vendor_new"),
    path("vendors/<int:vendor_id>/", views.vendor, name="vendor"),
    path("vendors/<int:vendor_id>/edit/", views.vendor_edit, name="vendor_edit"),
    path("vendors/<int:vendor_id>/archive/", views.vendor_archive, name="vendor_archive"),
    path("vendors/<int:vendor_id>/breaches/new/", breach_views.breach_new, name="breach_new"),
    path("breaches/<int:breach_id>/close/", breach_views.breach_close, name="breach_close"),
    path("vendors/<int:vendor_id>/agreements/new/", views.agreement_new, name="agreement_new"),
    path("agreements/<int:agreement_id>/", views.agreement, name="agreement"),
    path("agreements/<int:agreement_id>/edit/", views.agreement_edit, name="agreement_edit"),
    path("agreements/<int:agreement_id>/documents/", views.document_add, name="document_add"),
    path("agreements/<int:agreement_id>/terminate/", views.agreement_terminate, name="agreement_terminate"),
    path("documents/<int:document_id>/", views.document, name="document"),
]
