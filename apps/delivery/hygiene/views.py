"""The report of list hygiene."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.contacts.person.masking import Eyes
from apps.contacts.person.selectors import open_people
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.pages import keyset
from apps.core.permissions import Permission, require, role_of
from apps.delivery import selectors, services
from apps.delivery.forms import HygieneForm
from apps.delivery.hygiene.rules import FLAG_WORDS, Flag, suggestion
from apps.delivery.models import HygieneFinding, HygieneRun
from apps.delivery.page_parts import may_edit, person_url, tabs


@require(Permission.DELIVERY_VIEW)
@require_safe
def hygiene(request: HttpRequest) -> HttpResponse:
    """The last report: how many, who, and why."""
    return _page(request)


@require(Permission.DELIVERY_EDIT)
@require_POST
def hygiene_settings(request: HttpRequest) -> HttpResponse:
    """When optional mail rests."""
    form = HygieneForm(request.POST)
    if form.is_valid():
        try:
            services.settings_change(actor=actor_of(request), **form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, "Saved. The next report uses it.")
            return redirect("delivery:hygiene")
    return _page(request, form=form, status=422)


@require(Permission.DELIVERY_EDIT)
@require_POST
def hygiene_run(request: HttpRequest) -> HttpResponse:
    """Look at the list now."""
    services.clean_list_soon()
    messages.success(request, "The list is being looked at. The report appears here.")
    return redirect("delivery:hygiene")


@require(Permission.DELIVERY_EDIT)
@require_POST
def hygiene_wake(request: HttpRequest, person_id: int) -> HttpResponse:
    """End the rest of one person's mailbox."""
    try:
        services.wake(actor=actor_of(request), person_id=person_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Optional mail goes there again.")
    return redirect(f"{reverse('delivery:hygiene')}?flag={Flag.UNENGAGED.value}")


def _page(request: HttpRequest, *, form: HygieneForm | None = None, status: int = 200) -> HttpResponse:
    run = HygieneRun.objects.filter(state=HygieneRun.State.FINISHED).order_by("-id").first()
    running = HygieneRun.objects.filter(state=HygieneRun.State.RUNNING).order_by("-id").first()
    setup = selectors.setup()
    context: dict[str, object] = {
        "tabs": tabs(request, "hygiene"),
        "run": run,
        "running": running,
        "may_edit": may_edit(request),
        "rules": selectors.hygiene_rules(setup),
        "form": form
        or HygieneForm(
            initial={
                "version": selectors.settings_version(),
                "unengaged_days": setup.unengaged_days,
                "unengaged_messages": setup.unengaged_messages,
                "silent_months": setup.silent_months,
            }
        ),
        "earlier": HygieneRun.objects.filter(state=HygieneRun.State.FINISHED).order_by("-id")[1:8],
    }
    if run is not None:
        context |= _findings(request, run)
    return render(request, "delivery/hygiene.html", context, status=status)


def _findings(request: HttpRequest, run: HygieneRun) -> dict[str, object]:
    flag = request.GET.get("flag", "")
    if flag not in set(Flag):
        flag = next((one.value for one in Flag if run.counts.get(one.value)), Flag.DEAD.value)
    page = keyset(
        HygieneFinding.objects.filter(run=run, flag=flag), request.GET.get("after", ""), total=run.counts.get(flag, 0)
    )
    people = open_people(
        actor=actor_of(request),
        purpose="list hygiene report",
        ids=[row.person_id for row in page.items],
        with_consents=False,
    )
    eyes = Eyes(role_of(request))
    return {
        "flag": flag,
        "words": FLAG_WORDS[Flag(flag)],
        "page": page,
        "rows": [
            {
                "row": row,
                "name": eyes.name(people[row.person_id]) if row.person_id in people else "",
                "address": people[row.person_id].email if row.person_id in people else "",
                "url": person_url(row.person_id),
                "meant": suggestion(people[row.person_id].email) if row.person_id in people else "",
            }
            for row in page.items
        ],
        "flags": [
            {
                "label": FLAG_WORDS[one][0],
                "url": f"{reverse('delivery:hygiene')}?flag={one.value}",
                "current": one.value == flag,
                "count": run.counts.get(one.value, 0),
            }
            for one in Flag
            if run.counts.get(one.value) or one.value == flag
        ],
    }
