"""Addresses of campaigns. Nothing in them but ids and code words."""

from django.urls import path

from apps.campaigns.views import preparing, reading, running, testing

app_name = "campaigns"
urlpatterns = [
    path("", reading.campaign_list, name="list"),
    path("new/", preparing.audience, name="new"),
    path("<int:campaign_id>/", reading.detail, name="detail"),
    path("<int:campaign_id>/audience/", preparing.audience, name="audience"),
    path("<int:campaign_id>/message/", preparing.message, name="message"),
    path("<int:campaign_id>/preview/", preparing.preview, name="preview"),
    path("<int:campaign_id>/purpose/", preparing.purpose, name="purpose"),
    path("<int:campaign_id>/plan/", preparing.plan, name="plan"),
    path("<int:campaign_id>/plan/measure/", preparing.measure, name="measure"),
    path("<int:campaign_id>/plan/measuring/", preparing.measuring, name="measuring"),
    path("<int:campaign_id>/plan/drawing/", preparing.drawing, name="drawing"),
    path("<int:campaign_id>/plan/<slug:kind>/<slug:word>/", preparing.plan_people, name="plan_people"),
    path("<int:campaign_id>/approval/", preparing.approval, name="approval"),
    path("<int:campaign_id>/test/", testing.test_send, name="test"),
    path("<int:campaign_id>/tests/", testing.tests, name="tests"),
    path("templates/<int:pk>/test/", testing.template_test, name="template_test"),
    path("templates/<int:pk>/tests/", testing.template_tests, name="template_tests"),
    path("<int:campaign_id>/submit/", running.submit, name="submit"),
    path("<int:campaign_id>/withdraw/", running.withdraw, name="withdraw"),
    path("<int:campaign_id>/approve/", running.approve, name="approve"),
    path("<int:campaign_id>/reject/", running.reject, name="reject"),
    path("<int:campaign_id>/send/", running.send, name="send"),
    path("<int:campaign_id>/schedule/", running.schedule, name="schedule"),
    path("<int:campaign_id>/unschedule/", running.unschedule, name="unschedule"),
    path("<int:campaign_id>/pause/", running.pause, name="pause"),
    path("<int:campaign_id>/resume/", running.resume, name="resume"),
    path("<int:campaign_id>/cancel/", running.cancel, name="cancel"),
    path("<int:campaign_id>/duplicate/", running.duplicate, name="duplicate"),
    path("<int:campaign_id>/delete/", running.delete, name="delete"),
    path("<int:campaign_id>/progress/", reading.progress, name="progress"),
    path("<int:campaign_id>/people/<slug:what>/", reading.people, name="people"),
    path("<int:campaign_id>/people/<slug:what>/<slug:detail>/", reading.people, name="people_of"),
    path("<int:campaign_id>/export/", reading.export, name="export"),
    path("<int:campaign_id>/figures/", reading.figures, name="figures"),
]
