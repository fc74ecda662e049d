"""How the installation sends: settings, signing keys, mail servers, and a test."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import clock
from apps.core.actors import actor_of
from apps.core.errors import Refused
from apps.core.levels import Level
from apps.core.pages import keyset
from apps.core.permissions import Permission, check, require
from apps.delivery import selectors, services
from apps.delivery.forms import DomainForm, KeyForm, SettingsForm, TestForm
from apps.delivery.models import DkimKey, MailDomain
from apps.delivery.page_parts import may_edit, tabs
from apps.mail.tls import TlsClass


@require(Permission.DELIVERY_EDIT)
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Names, way out, policy, pins and pace."""
    setup = selectors.setup()
    decided = int(setup.table(baa_in_force=False).minimum_for(Level.HEALTH) or TlsClass.WEBPKI)
    status = 200
    if request.method == "POST":
        form = SettingsForm(request.POST, decided=decided)
        if form.is_valid():
            try:
                services.settings_change(
                    actor=actor_of(request),
                    version=form.cleaned_data["version"],
                    **_given(form.cleaned_data, setup, actor_of(request).id, decided),
                )
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, "Delivery settings saved.")
                return redirect("delivery:settings")
        status = 422
    else:
        form = SettingsForm(initial=SettingsForm.initial_of(setup, selectors.settings_version()), decided=decided)
    vendor = setup.relay.vendor if setup.relay else None
    return render(
        request,
        "delivery/settings.html",
        {
            "tabs": tabs(request, "settings"),
            "form": form,
            "setup": setup,
            "decision": selectors.decision(setup),
            "baa_missing": setup.mode == "relay" and not selectors.has_agreement(vendor),
        },
        status=status,
    )


def _given(data: dict[str, Any], setup: Any, who: str, decided: int) -> dict[str, Any]:
    """The form's answers as settings; a decision is recorded when it was made or its reason changed."""
    given: dict[str, Any] = {
        name: data[name] for name in ("mode", "helo", "sending_domain", "bounce_domain", "lanes", "lanes_per_domain")
    }
    given["pins"] = data["pins"]
    given["policy"] = {
        "minimum": {"1": data["identifier"], "2": data["health"]},
        "order": setup.policy.get("order", {}),
    }
    if data["health"] != decided or data["note"] != setup.decision.get("note", ""):
        given["decision"] = {
            "class": data["health"],
            "note": data["note"],
            "by": who,
            "at": clock.now().isoformat(),
        }
    given["relay"] = None
    if data["relay_host"]:
        kept = setup.relay.password if setup.relay else ""
        given["relay"] = {
            "host": data["relay_host"].strip().lower(),
            "port": data["relay_port"] or 587,
            "username": data["relay_username"],
            "password": data["relay_password"] or kept,
            "implicit_tls": data["relay_implicit"],
            "vendor": data["relay_vendor"],
            "beyond": data["relay_beyond"],
        }
    return given


@require(Permission.DELIVERY_EDIT)
@require_http_methods(["GET", "POST"])
def signing_keys(request: HttpRequest) -> HttpResponse:
    """DKIM keys with the records to publish; POST creates one."""
    setup = selectors.setup()
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.signing_key_create(
                actor=actor_of(request), domain=setup.sending_domain, kind=form.cleaned_data["kind"]
            )
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, "Key created. Publish its record, then let it sign.")
        return redirect("delivery:signing_keys")
    return render(
        request,
        "delivery/signing_keys.html",
        {
            "tabs": tabs(request, "signing_keys"),
            "keys": DkimKey.objects.order_by("state", "-id"),
            "setup": setup,
            "signing": DkimKey.objects.filter(state=DkimKey.KeyState.ACTIVE, domain=setup.sending_domain).exists(),
        },
    )


@require(Permission.DELIVERY_EDIT)
@require_POST
def signing_key_act(request: HttpRequest, key_id: int) -> HttpResponse:
    """Let a key sign, or let it rest."""
    sign = request.POST.get("act") == "activate"
    service = services.signing_key_activate if sign else services.signing_key_retire
    try:
        service(actor=actor_of(request), key_id=key_id)
    except Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "This key signs now." if sign else "This key signs no more.")
    return redirect("delivery:signing_keys")


@require(Permission.DELIVERY_VIEW)
@require_http_methods(["GET", "POST"])
def servers(request: HttpRequest) -> HttpResponse:
    """What mail servers were found to offer; POST measures one domain again (EHLO, STARTTLS, QUIT)."""
    form = DomainForm(request.POST or None)
    if request.method == "POST":
        check(request, Permission.DELIVERY_EDIT)
        domain = selectors.domain_of("x@" + request.POST.get("domain", ""))
        if form.is_valid() and "." in domain:
            services.measure(actor=actor_of(request), domains=[domain], again=True)
            messages.success(request, f"{domain} was measured.")
            return redirect("delivery:servers")
        messages.error(request, "Write a mail domain, such as clinic.example.")
    page = keyset(MailDomain.objects.all(), request.GET.get("after", ""))
    return render(
        request,
        "delivery/servers.html",
        {"tabs": tabs(request, "servers"), "form": form, "page": page, "may_edit": may_edit(request)},
    )


@require(Permission.DELIVERY_EDIT)
@require_http_methods(["GET", "POST"])
def test(request: HttpRequest) -> HttpResponse:
    """A test message; its page then shows the whole evidence."""
    form = TestForm(request.POST or None, initial={"level": "2"})
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                message_id = services.send_test(
                    actor=actor_of(request),
                    address=form.cleaned_data["address"],
                    level=Level(form.cleaned_data["level"]),
                )
            except Refused as refusal:
                form.add_error(None, str(refusal))
            else:
                return redirect("delivery:message", message_id)
        status = 422
    return render(request, "delivery/test.html", {"tabs": tabs(request, "test"), "form": form}, status=status)
