"""Letters to the clinic: whom they are from is proven or chosen, and what came along can be opened."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from PIL import Image

from apps.audit import marks
from apps.audit.models import AuditEntry
from apps.contacts.models import TimelineEvent
from apps.core import actors, clock
from apps.core.strangers.opening import Trouble, Unopened
from apps.delivery import services
from apps.delivery.letters import services as letters
from apps.delivery.models import InboundMail, LetterProof
from apps.delivery.returns import services as inbound
from apps.mail.files.clamd import Scan
from tests.mail.files.samples import archive, fax, letter, photo, tnef
from tests.mail.proof.zone import SILENT, Signer, Zone
from tests.refusals import refused
from tests.text import without_tokens

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("strangers_in_process")]
RECEIVER = actors.system("receiver")


@pytest.fixture
def domain(db):
    services.settings_change(
        actor=actors.COMMAND_LINE, version=0, sending_domain="clinic.test", bounce_domain="bounce.clinic.test"
    )


@pytest.fixture
def dana(domain, people):
    (dana,) = people("dana@goodmail.test")
    return dana


@pytest.fixture
def zone() -> Zone:
    return Zone()


def arrives(raw: bytes) -> InboundMail:
    inbound.mail_receive(actor=RECEIVER, recipient="care@clinic.test", raw=raw)
    return InboundMail.objects.latest("pk")


def judged(raw: bytes, zone: Zone) -> InboundMail:
    mail = arrives(raw)
    letters.letters_judge(actor=RECEIVER, names=zone)
    mail.refresh_from_db()
    return mail


def told_of(person_id: int) -> set[str]:
    """The mail that a person's trail knows of, by action."""
    token = marks.person_token(person_id)
    entries = AuditEntry.objects.filter(action__startswith="mail.", people__contains=[token])
    return set(entries.values_list("action", flat=True))


def test_a_letter_with_the_domains_signature_names_its_sender(dana, zone):
    mail = arrives(Signer(zone, "goodmail.test").sign(letter()))
    assert (mail.person_id, mail.proof.state) == (None, "waiting")
    letters.letters_judge(actor=RECEIVER, names=zone)
    mail.refresh_from_db()
    assert (mail.person_id, mail.proof.state) == (dana.id, "proven")
    assert told_of(dana.id) == {"mail.judge"}
    assert letters.letters_judge(actor=RECEIVER, names=zone) == 0


def test_a_forged_letter_names_nobody_until_nora_says_who(signed_in, dana, zone):
    mail = judged(letter(text="Cancel all of my appointments"), zone)
    assert (mail.person_id, mail.proof.state) == (None, "unproven")
    assert not TimelineEvent.objects.exists()
    nora = signed_in("nora")
    assert "P••• D•••" not in nora.get("/delivery/mail/").content.decode()
    assert "Unproven (1)" in nora.get("/delivery/mail/").content.decode()
    listed = without_tokens(nora.get("/delivery/mail/unproven/").content.decode())
    assert f"Letter {mail.pk}" in listed
    assert "Pat0" not in listed
    page = nora.get(f"/delivery/mail/{mail.pk}/").content.decode()
    assert "Nothing proves who wrote this." in page
    assert "Unproven: it is not signed" in page
    assert "Pat0" not in without_tokens(page)
    assert told_of(dana.id) == set()

    who = f"/delivery/mail/{mail.pk}/who/"
    assert "Pat0" not in without_tokens(nora.get(who).content.decode())
    found = nora.post(who, {"q": "dana@goodmail.test"}).content.decode()
    assert "Pat0 Doe" in found
    assert ">Feb 3, 1980<" in found, "as dates are written everywhere else"
    messages = f"/contacts/{dana.id}/tab/messages/"
    assert f"/delivery/mail/{mail.pk}/" not in nora.get(messages).content.decode()
    nora.post(f"{who}{dana.id}/")
    mail.refresh_from_db()
    assert (mail.person_id, mail.proof.chosen_by.name) == (dana.id, "Nora")
    page = nora.get(f"/delivery/mail/{mail.pk}/").content.decode()
    assert "Cancel all of my appointments" in page
    assert "Nora said that it is from this person." in page
    assert "P••• D•••" in nora.get("/delivery/mail/").content.decode()
    assert f"/delivery/mail/{mail.pk}/" in nora.get(messages).content.decode(), "it stands among their messages"
    assert "/delivery/mail/" not in signed_in("max").get(messages).content.decode(), "letters are care staff's"
    assert [entry.codes for entry in AuditEntry.objects.filter(action="mail.name")] == [{"how": "chosen"}]

    nora.post(f"/delivery/mail/{mail.pk}/who/release/")
    mail.refresh_from_db()
    assert (mail.person_id, mail.proof.chosen_by) == (None, None)
    assert "Cancel all of my appointments" in nora.get(f"/delivery/mail/{mail.pk}/").content.decode()


def test_a_choice_is_made_once_and_only_where_nothing_is_known(cast, dana, people, zone):
    (eve,) = people("eve@evil.test")
    nora = actors.staff(cast.nora.pk, cast.nora.role)
    proven = judged(Signer(zone, "goodmail.test").sign(letter()), zone)
    with refused("letter.named"):
        letters.person_choose(actor=nora, mail_id=proven.pk, person_id=eve.id)
    with refused("letter.not_chosen"):
        letters.person_release(actor=nora, mail_id=proven.pk)
    forged = judged(letter(text="Forged"), zone)
    with refused("letter.person_gone"):
        letters.person_choose(actor=nora, mail_id=forged.pk, person_id=999_999)
    letters.person_choose(actor=nora, mail_id=forged.pk, person_id=dana.id)
    with refused("letter.named"):
        letters.person_choose(actor=nora, mail_id=forged.pk, person_id=eve.id)


def test_a_household_shares_a_mailbox_so_nobody_is_guessed(domain, people, zone):
    people("dana@goodmail.test", "dana@goodmail.test")
    mail = judged(Signer(zone, "goodmail.test").sign(letter()), zone)
    assert (mail.person_id, mail.proof.state) == (None, "proven")


def test_while_the_dns_is_away_a_letter_is_kept_and_judged_again(dana, noon, zone):
    raw = Signer(zone, "goodmail.test").sign(letter())
    answers, zone.rows = zone.rows, dict.fromkeys(zone.rows, SILENT)
    mail = judged(raw, zone)
    assert mail.proof.state == "unchecked"
    assert letters.letters_judge(actor=RECEIVER, names=zone) == 0
    zone.rows = answers
    with clock.frozen(noon + timedelta(minutes=31)):
        assert letters.letters_judge(actor=RECEIVER, names=zone) == 1
    mail.refresh_from_db()
    assert (mail.person_id, LetterProof.objects.get().due_at) == (dana.id, None)


def test_the_dns_is_not_asked_for_ever(dana, noon, zone):
    raw = Signer(zone, "goodmail.test").sign(letter())
    zone.rows = dict.fromkeys(zone.rows, SILENT)
    arrives(raw)
    with clock.frozen(noon + timedelta(hours=25)):
        letters.letters_judge(actor=RECEIVER, names=zone)
    assert LetterProof.objects.get().due_at is None


def test_a_worker_that_died_gives_its_letter_back(dana, noon, zone, monkeypatch):
    arrives(Signer(zone, "goodmail.test").sign(letter()))
    with monkeypatch.context() as patch:
        patch.setattr(letters.verdicts, "judge", lambda *given, **more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            letters.letters_judge(actor=RECEIVER, names=zone)
    assert letters.letters_judge(actor=RECEIVER, names=zone) == 0
    with clock.frozen(noon + letters.LEASE):
        assert letters.letters_judge(actor=RECEIVER, names=zone) == 1


def test_nora_opens_what_came_along(signed_in, domain):
    mail = arrives(
        letter(
            ("rash on arm.jpg", "image/jpeg", photo(size=(400, 200), turned=True, place=True)),
            ("HIV result.pdf", "application/pdf", b"%PDF-1.4\n"),
            ("winmail.dat", "application/ms-tnef", tnef("note.txt", b"My pills")),
            ("fax.tif", "image/tiff", fax(2)),
        )
    )
    nora, base = signed_in("nora"), f"/delivery/mail/{mail.pk}/"
    page = nora.get(base).content.decode()
    for words in ("HIV result.pdf", "JPEG picture", "note.txt", "Not scanned: no virus scanner is set up"):
        assert words in page
    assert f'src="{base}files/1/pages/1/"' in page
    pdf = nora.get(f"{base}files/2/")
    assert (pdf.content, pdf["Content-Type"]) == (b"%PDF-1.4\n", "application/pdf")
    assert pdf["Content-Disposition"] == 'attachment; filename="attachment-2.pdf"'
    assert pdf["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in pdf["Content-Security-Policy"]
    assert pdf["Cache-Control"] == "no-store"
    assert nora.get(f"{base}files/3.1/").content == b"My pills"
    shown = nora.get(f"{base}files/1/pages/1/")
    assert b"PlantedCamera" not in shown.content
    with Image.open(io.BytesIO(shown.content)) as image:
        assert image.size == (200, 400)
    assert nora.get(f"{base}files/4/pages/2/").status_code == 200
    entries = AuditEntry.objects.filter(action="mail.file").order_by("pk")
    assert [entry.codes for entry in entries][:2] == [
        {"file": "2", "as": "download"},
        {"file": "3.1", "as": "download"},
    ]
    assert {entry.purpose for entry in entries} == {"inbox"}
    assert "HIV" not in str([entry.codes for entry in AuditEntry.objects.all()])


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("page.html", b"<script>alert(1)</script>"),
        ("photo.jpg", b"MZ\x90\0"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("x.zip", archive(run__exe=b"MZ\x90\0")),
        ("what.is", bytes(range(256))),
    ],
)
def test_what_can_do_harm_comes_after_a_warning(signed_in, domain, name, data):
    mail = arrives(letter((name, "image/jpeg", data)))
    nora, url = signed_in("nora"), f"/delivery/mail/{mail.pk}/files/1/"
    warned = nora.get(url)
    assert "Opening this file can do harm." in warned.content.decode()
    assert "Content-Disposition" not in warned
    handed = nora.post(url)
    assert handed.content == data
    assert handed["Content-Disposition"].startswith("attachment")
    assert nora.get(f"{url}pages/1/").status_code == 404


def test_what_the_scanner_finds_is_not_handed_out(signed_in, domain, monkeypatch, settings):
    settings.CLAMD = "/run/clamd.sock"
    mail = arrives(letter(("rash.jpg", "image/jpeg", photo())))
    nora, url = signed_in("nora"), f"/delivery/mail/{mail.pk}/files/1/"
    monkeypatch.setattr("apps.delivery.letters.selectors.scan", lambda data, place: Scan.INFECTED)
    for answer in (nora.get(url), nora.post(url)):
        assert answer.status_code == 422
        assert "malware" in answer.content.decode()
    assert nora.get(f"{url}pages/1/").status_code == 404
    assert AuditEntry.objects.filter(action="mail.malware").count() == 2
    monkeypatch.setattr("apps.delivery.letters.selectors.scan", lambda data, place: Scan.FAILED)
    assert "It could not be scanned." in nora.get(url).content.decode()


@pytest.mark.parametrize("who", ["max", "rita", "otto"])
def test_others_open_no_file_and_choose_nobody(signed_in, dana, who, zone):
    mail = judged(letter(("a.pdf", "application/pdf", b"%PDF-")), zone)
    client, base = signed_in(who), f"/delivery/mail/{mail.pk}/"
    for path in ("files/1/", "files/1/pages/1/", "who/"):
        assert client.get(base + path).status_code == 403
    assert client.get("/delivery/mail/unproven/").status_code == 403
    assert client.post(f"{base}who/{dana.id}/").status_code == 403
    assert client.post(f"{base}who/release/").status_code == 403


def test_what_is_not_there_is_a_404(signed_in, domain, dana):
    mail = arrives(letter(("a.pdf", "application/pdf", b"%PDF-")))
    nora, base = signed_in("nora"), f"/delivery/mail/{mail.pk}/"
    for path in ("files/2/", "files/0/", "files/1.1/", "files/a/", "files/1.1.1.1.1/", "files/1/pages/1/"):
        assert nora.get(base + path).status_code == 404, path
    InboundMail.objects.update(kind="automatic", sorting="automatic")
    assert nora.get(f"{base}who/").status_code == 404
    assert nora.post(f"{base}who/{dana.id}/").status_code == 404


def test_an_encrypted_letter_says_so(signed_in, domain):
    text = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----"
    mail = arrives(letter(text=text))
    page = signed_in("nora").get(f"/delivery/mail/{mail.pk}/").content.decode()
    assert "This letter is encrypted with PGP" in page
    assert "holds no key of the organization" in page


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_fifty(signed_in, domain, questions):
    nora, path = signed_in("nora"), "/delivery/mail/unproven/"
    arrives(letter(text="One"))
    one = questions(nora, path)
    (mail,) = InboundMail.objects.all()
    copies = [InboundMail(**{**_columns(mail), "source": b"%016d" % number}) for number in range(49)]
    LetterProof.objects.bulk_create(
        LetterProof(mail=copy, sealed=mail.proof.sealed) for copy in InboundMail.objects.bulk_create(copies)
    )
    assert questions(nora, path) == one


def _columns(mail: InboundMail) -> dict:
    return {field.attname: getattr(mail, field.attname) for field in mail._meta.local_fields if not field.primary_key}


def test_a_letter_that_ends_its_reader_is_kept(signed_in, domain, monkeypatch):
    def ends(*given, **more):
        raise Unopened(Trouble.MEMORY)

    monkeypatch.setattr("apps.mail.reading.open_file", ends)
    raw = letter(text="My pills")
    mail = arrives(raw)
    nora = signed_in("nora")
    page = nora.get(f"/delivery/mail/{mail.pk}/").content.decode()
    assert "This letter cannot be read here. It needs more memory" in page
    assert nora.get(f"/delivery/mail/{mail.pk}/original/").content == raw
    monkeypatch.undo()
    assert "My pills" in nora.get(f"/delivery/mail/{mail.pk}/").content.decode()
