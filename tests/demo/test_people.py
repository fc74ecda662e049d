"""The invented clinic has every case the lists can show, and is the same clinic every time."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from apps.demo import results
from apps.demo.people import clinic

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


def test_the_same_day_gives_the_same_clinic() -> None:
    one, two = clinic(NOW, size=150), clinic(NOW, size=150)
    assert [row.profile for row in one.people] == [row.profile for row in two.people]
    assert [row.event for row in one.events] == [row.event for row in two.events]


def test_no_list_and_no_reason_is_empty() -> None:
    made = clinic(NOW)
    assert len(made.people) == 2000
    assert len({row.key for row in made.people}) == 2000
    by_key = {row.key: row for row in made.people}
    adult = (NOW - timedelta(days=18 * 365.25)).date().isoformat()
    minors = [row for row in made.people if row.profile.get("birth_date", "") > adult]
    assert len([row for row in minors if row.key in made.guardians]) > 50
    assert len([row for row in minors if row.key not in made.guardians]) > 5
    assert sum("death_date" in row.profile for row in made.people) > 20
    assert sum("email" not in row.profile for row in made.people) > 50
    mailboxes = Counter(row.profile["email"] for row in made.people if "email" in row.profile)
    assert sum(times > 1 for times in mailboxes.values()) > 60
    assert {address.partition("@")[2] for address in mailboxes} == {
        "goodmail.test", "plainmail.test", "oldmail.test", "keymail.test", "goodmail.con", "mailinator.com", "test",
    }  # fmt: skip
    troubles = Counter(address.partition("-")[0] for address in mailboxes if "-" in address)
    assert set(troubles) == {"gone", "full", "grey", "spam", "late"}
    assert troubles["gone"] > 20
    assert {reason for reason, _ in made.suppressed.values()} == {"hard_bounce", "unsubscribed", "complaint"}
    assert {row.profile["relation"] for row in made.people} == {"patient", "b2b", "subscriber"}
    assert {row.profile.get("language") for row in made.people} == {"en", "es"}
    states = Counter((cell.purpose, cell.state) for row in made.people for cell in row.consents)
    assert states["marketing", "granted"] > 500
    assert states["marketing", "denied"] > 50
    kinds = Counter(row.event["kind"] for row in made.events)
    assert set(kinds) == {"condition", "encounter", "immunization", "medication", "observation", "procedure"}
    assert {row.patient for row in made.events} <= set(by_key)
    diabetics = {row.patient for row in made.events if row.event["code"] == results.DIABETES}
    measured = {row.patient: row.on for row in made.events if row.event["code"] == results.HBA1C[0]}
    assert set(measured) <= diabetics
    late = [
        key for key in diabetics if measured.get(key, NOW.date() - timedelta(days=999)) < NOW.date() - timedelta(184)
    ]
    assert len(diabetics) / 5 < len(late) < len(diabetics) / 1.5, "somebody to write to, and not everybody"
    assert {"O’Brien", "Łuczak", "Muñoz-Díaz"} <= {row.profile["last_name"] for row in made.people}
    assert {row.status for row in made.appointments} == {"booked", "cancelled", "kept", "missed"}
    soon = [row for row in made.appointments if row.status == "booked" and row.start > "2026-11-22T10:00"]
    assert len(soon) > 300
    assert min(row.start for row in soon) < "2026-11-26"


def test_nothing_happens_before_birth_or_after_death() -> None:
    made = clinic(NOW, size=600)
    by_key = {row.key: row.profile for row in made.people}
    for row in made.events:
        profile = by_key[row.patient]
        assert profile["birth_date"] <= row.on.isoformat() <= profile.get("death_date", "2026-11-22")
