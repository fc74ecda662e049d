"""Addresses of journeys."""

from django.urls import path

from apps.journeys.views import activation, approval, builder, pages, public, trial

app_name = "journeys"
urlpatterns = [
    path("", pages.journey_list, name="list"),
    path("seen/", public.seen, name="seen"),
    path("new/", pages.new, name="new"),
    path("<int:journey_id>/", pages.flow, name="flow"),
    path("<int:journey_id>/people/", pages.people, name="people"),
    path("<int:journey_id>/people/<int:run_id>/", pages.run, name="run"),
    path("<int:journey_id>/people/<int:run_id>/act/", pages.run_act, name="run_act"),
    path("<int:journey_id>/try/", trial.try_out, name="trial"),
    path("<int:journey_id>/versions/", pages.versions, name="versions"),
    path("<int:journey_id>/pause/", pages.pause, name="pause"),
    path("<int:journey_id>/resume/", pages.resume, name="resume"),
    path("<int:journey_id>/edit/", builder.edit, name="edit"),
    path("<int:journey_id>/edit/change/", builder.change, name="change"),
    path("<int:journey_id>/edit/step/<slug:step_id>/", builder.step, name="step"),
    path("<int:journey_id>/edit/step/<slug:step_id>/rows/", builder.rows, name="rows"),
    path("<int:journey_id>/edit/entry/", builder.entry, name="entry"),
    path("<int:journey_id>/edit/name/", builder.name, name="name"),
    path("<int:journey_id>/activate/", activation.activate, name="activate"),
    path("<int:journey_id>/approval/<slug:act>/", activation.decide, name="decide"),
    path("<int:journey_id>/letters/<slug:step_id>/", approval.letter, name="letter"),
]
