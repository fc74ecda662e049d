"""A lab of one's own: declared on a page, asked for by rules, printed by templates; older results are renewed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from apps.contacts import services as contacts
from apps.contacts.labs import catalog, services
from apps.contacts.labs.services import WantedLab
from apps.contacts.models import LatestResult, OwnLab
from apps.contacts.person import selectors
from apps.contacts.services import NewEvent, events_record
from apps.contacts.timeline.clinical import coded
from apps.contacts.timeline.results import LABS, uncomparable
from apps.contacts.timeline.value_sets import level_of
from apps.content import selectors as content
from apps.content.facts import person_facts
from apps.core import actors, clock
from apps.core.levels import Level
from apps.segments import services as segments
from apps.segments.models import Segment
from tests.refusals import refused

pytestmark = pytest.mark.django_db
CLI = actors.COMMAND_LINE
FORM = {
    "label": "Ferritin", "system": "LOINC", "codes": "2276-4\n20567-4", "kind": "number", "unit": "ng/ml",
    "low": "0", "high": "2000", "step": "1", "level": "2",
}  # fmt: skip
RULE = {"match": "all", "rules": [{"lab": "own_ferritin", "op": "under", "to": 30}]}


@pytest.fixture(autouse=True)
def fresh():
    """Nobody knows the labs of the test before."""
    catalog.forget()
    yield
    catalog.forget()


def result(
    name: str, value: str, *, code: str = "2276-4", system: str = "LOINC", unit: str = "ng/mL", day: int = 2
) -> int:
    person = contacts.contact_create(actor=CLI, profile={"first_name": name, "last_name": "Paz"}).id
    facts, groups = coded("observation", {"system": "LOINC", "code": "2276-4", "value": value, "unit": unit})
    event = NewEvent(person, "observation", date(2026, 11, 2), f"test:{name}", facts, groups, "2276-4")
    events_record(actor=CLI, events=[event])
    return person


def counted(rule: dict) -> int:
    segment = segments.segment_save(actor=CLI, name=f"Low {Segment.objects.count()}", rule=rule)
    return segments.segment_count(actor=CLI, segment_id=segment.pk).count


def test_a_marketer_declares_one_and_segments_ask_for_its_number(signed_in, noon) -> None:
    page = signed_in("max")
    before = result("Ana", "12")
    assert "No labs of your own yet" in page.get("/contacts/labs/").content.decode()
    assert page.post("/contacts/labs/new/", FORM).status_code == 302
    assert "Preparing" in page.get("/contacts/labs/").content.decode()
    result("Bo", "25")
    result("Cy", "300")
    result("Di", "5", unit="mmol/L")
    assert counted(RULE) == 1, "Ana's result was on record before"
    assert services.due() == [], "every process knows the lab first"
    with clock.frozen(noon + timedelta(minutes=1)):
        [lab_id] = services.due()
        services.work(lab_id)
    assert OwnLab.objects.get().state == "done"
    assert "Ready" in page.get("/contacts/labs/").content.decode()
    assert counted(RULE) == 2
    assert LatestResult.objects.filter(person_id=before).count() == 1
    at = f"/segments/{Segment.objects.last().pk}/"
    text = page.get(at).content.decode()
    assert "Last Ferritin is under 30 ng/mL" in text
    assert "own_ferritin" in page.get(f"{at}edit/").content.decode()
    assert services.work(lab_id) is False, "nothing is left to do"


def test_it_is_a_merge_field_of_its_level(noon) -> None:
    services.lab_create(actor=CLI, wanted=WantedLab("Ferritin", ("2276-4",), unit="ng/mL", level=3))
    known = content.brand_facts().catalog()
    assert known["lab.own_ferritin"].level == known["lab.own_ferritin_date"].level == 3
    assert level_of("LOINC", "2276-4") == LABS["own_ferritin"].level == Level.PROTECTED
    person = result("Ana", "12")
    record = selectors.open_person(actor=CLI, purpose="test", person_id=person)
    selectors.load_results({person: record})
    assert person_facts(record.profile, results=record.results)["lab"]["own_ferritin"] == "12 ng/mL"
    segment = segments.segment_save(
        actor=CLI, name="Measured", rule={"match": "all", "rules": [{"lab": "own_ferritin", "op": "measured"}]}
    )
    assert segment.level == 3


def test_own_codes_and_words_too() -> None:
    services.lab_create(actor=CLI, wanted=WantedLab("Frailty", ("Gait test",), system="text"))
    lab = LABS["own_frailty"]
    assert (lab.system, lab.codes, lab.numbers) == ("TEXT", ("gait test",), None)
    facts, groups = coded("observation", {"system": "TEXT", "code": "gait test", "value": "slow", "unit": ""})
    assert facts["sets"] == ["own_frailty"]
    assert "set:own_frailty" in groups
    services.lab_create(actor=CLI, wanted=WantedLab("Ferritin", ("2276-4",), unit="ng/mL", numbers=LABS["psa"].numbers))
    told = {"kind": "observation", "system": "LOINC", "code": "2276-4", "value": "5", "unit": "mmol/L"}
    assert "known is ng/mL" in uncomparable(told)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"codes": ("4548-4",)}, "lab.code_taken"),
        ({"codes": ()}, "lab.codes_wrong"),
        ({"codes": ("a b",)}, "lab.codes_wrong"),
        ({"label": " "}, "lab.name_length"),
        ({"label": "hba1c"}, "lab.name_taken"),
        ({"level": 1}, "lab.level_wrong"),
    ],
)
def test_what_is_refused(change: dict, code: str) -> None:
    with refused(code):
        services.lab_create(actor=CLI, wanted=WantedLab(**({"label": "Ferritin", "codes": ("2276-4",)} | change)))
    assert not OwnLab.objects.exists()


def test_a_code_belongs_to_one_lab(signed_in) -> None:
    services.lab_create(actor=CLI, wanted=WantedLab("Ferritin", ("2276-4",)))
    with refused("lab.code_taken"):
        services.lab_create(actor=CLI, wanted=WantedLab("Iron stores", ("2276-4",)))
    with refused("lab.name_taken"):
        services.lab_create(actor=CLI, wanted=WantedLab("Ferritin", ("1-8",)))
    page = signed_in("max").post("/contacts/labs/new/", FORM | {"codes": "4548-4"})
    assert page.status_code == 422
    assert "belongs to “HbA1c” already" in page.content.decode()


def test_words_need_no_bounds_and_numbers_do(signed_in) -> None:
    page, bare = signed_in("max"), FORM | {"low": "", "high": "", "step": ""}
    assert page.post("/contacts/labs/new/", bare).status_code == 422
    assert page.post("/contacts/labs/new/", bare | {"kind": "word"}).status_code == 302
    assert LABS["own_ferritin"].numbers is None


@pytest.mark.parametrize(("who", "sees"), [("max", 200), ("ada", 200), ("nora", 403), ("rita", 403)])
def test_who_may(signed_in, who: str, sees: int) -> None:
    client = signed_in(who)
    assert client.get("/contacts/labs/").status_code == sees
    assert client.post("/contacts/labs/new/", FORM).status_code == (302 if sees == 200 else 403)


def test_a_renewal_that_failed_is_started_again(signed_in) -> None:
    services.lab_create(actor=CLI, wanted=WantedLab("Ferritin", ("2276-4",)))
    OwnLab.objects.update(state="failed")
    page = signed_in("max")
    lab = OwnLab.objects.get().pk
    page.post(f"/contacts/labs/{lab}/again/")
    assert OwnLab.objects.get().state == "running"
    with refused("lab.not_failed"):
        services.lab_renew(actor=CLI, lab_id=lab)
    assert page.post("/contacts/labs/999999/again/").status_code == 404
