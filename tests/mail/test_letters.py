"""Letters as people and their mail programs write them: no word lost, no dose changed, nobody's words under another."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC
from email.header import Header
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.mail import calendar_words, charsets, header_words, html_text, quoting, reply_text
from apps.mail.reply_text import Piece
from apps.mail.reports.structure import Structure, structure_of
from tests.sizes import examples

NEW_YORK = ZoneInfo("America/New_York")


def letter(body: bytes | str, kind: str = "text/plain", encoding: str = "8bit", **fields: str) -> bytes:
    words = body if isinstance(body, bytes) else body.encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{head}Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + words


def several(kind: str, *parts: bytes, **fields: str) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    seam = f"seam{abs(hash(parts)) % 10**9}"
    inner = b"".join(f"--{seam}\r\n".encode() + part + b"\r\n" for part in parts)
    return f'{head}Content-Type: {kind}; boundary="{seam}"\r\n\r\n'.encode() + inner + f"--{seam}--\r\n".encode()


def text_of(raw: bytes) -> str:
    return reply_text.read(raw).text


def kinds(raw: bytes) -> list[tuple[str, str]]:
    return [(piece.kind, piece.text) for piece in reply_text.read(raw).pieces]


# -- character sets --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "label", ["iso-8859-1", "us-ascii", "ISO_8859-1", "latin1", "ascii", "windows-1252", "", "x-nobody"]
)
def test_what_calls_itself_latin_is_windows(label):
    kind = f'text/plain; charset="{label}"' if label else "text/plain"
    words = b"I take 5=9610 mg. I can=92t sleep=85 It cost =8050."
    assert text_of(letter(words, kind, "quoted-printable")) == "I take 5–10 mg. I can’t sleep… It cost €50."


@pytest.mark.parametrize(
    ("label", "codec", "words"),
    [
        ("gb2312", "gbk", "朱镕基医生 — 每天两片"),
        ("gb_2312-80", "gb18030", "㐀药"),
        ("shift_jis", "cp932", "①錠を㈱髙島屋で"),
        ("x-sjis", "cp932", "Ⅲ回"),
        ("ks_c_5601-1987", "cp949", "똠방각하 약"),
        ("euc-kr", "cp949", "펲시"),
        ("big5", "big5hkscs", "醫生，嘅"),
        ("iso-8859-9", "cp1254", "İlaç “iki”"),
        ("tis-620", "cp874", "ยา “สอง”"),
        ("koi8-r", "koi8_r", "Таблетки"),
        ("iso-8859-8-i", "iso8859_8", "שלום"),
        ("macintosh", "mac_roman", "café"),
        ("utf-7", "utf-7", "José"),
        ("unicode-1-1-utf-7", "utf-7", "José"),
        ("utf8mb4", "utf-8", "José 😀"),
        ("hz-gb-2312", "hz", "药片"),
        ("iso-2022-kr", "iso2022_kr", "한국"),
        ("utf-16", "utf-16", "José"),
        ("cp850", "cp850", "Müller"),
    ],
)
def test_labels_mean_what_browsers_say(label, codec, words):
    raw = base64.encodebytes(words.encode(codec))
    assert text_of(letter(raw, f"text/plain; charset={label}", "base64")) == words


def test_japanese_by_escapes_knows_the_characters_of_mail_programs():
    pairs = bytes([0x2D, 0x21, 0x2D, 0x6A]) + "錠".encode("iso-2022-jp")[3:5]
    raw = b"\x1b$B" + pairs + b"\x1b(B ok \x1b(I1\x1b(B"
    for label in ("; charset=iso-2022-jp", "; charset=us-ascii", ""):
        assert text_of(letter(raw, f"text/plain{label}")) == "①㈱錠 ok ｱ"


def test_one_bad_character_spoils_no_other():
    assert text_of(letter("薬".encode("gbk") + b"\xff 10 mg", "text/plain; charset=gb2312")) == "薬\ufffd 10 mg"
    assert text_of(letter("Jos\u00e9 ".encode() + b"5\x9610 mg", "text/plain; charset=utf-8")) == "José 5\ufffd10 mg"
    long = "Größe, Maß, Füße: ".encode() * 20 + b"\xff"
    assert text_of(letter(long)) == "Größe, Maß, Füße: " * 20 + "\ufffd"


@pytest.mark.parametrize("label", ["iso-8859-1", "us-ascii", "gb2312", "", "windows-1252"])
def test_utf_8_under_a_wrong_name_is_still_read(label):
    assert (
        text_of(letter("Größe — 5–10 mg", f"text/plain; charset={label}" if label else "text/plain"))
        == "Größe — 5–10 mg"
    )


def test_what_calls_itself_another_iso_set_has_windows_dashes_too():
    words = letter("5\u009610 mg, cost \u00a4 50".encode("latin-1"), "text/plain; charset=iso-8859-15")
    assert text_of(words) == "5–10 mg, cost € 50"


def test_controls_are_shown_not_deleted():
    assert text_of(letter("5\u009610 mg, 5\x0010 mg", "text/plain; charset=utf-8")) == "5\ufffd10 mg, 5\ufffd10 mg"


def test_a_mark_at_the_beginning_says_what_it_is_and_is_not_shown():
    assert text_of(letter(b"\xef\xbb\xbf" + "Größe".encode(), "text/plain; charset=iso-8859-1")) == "Größe"


def test_a_page_may_name_its_own_character_set():
    page = (
        '<html><head><meta http-equiv=Content-Type content="text/html; charset=windows-1251"></head><body>Боль</body>'
    )
    assert text_of(letter(page.encode("cp1251"), "text/html")) == "Боль"


@given(
    st.binary(max_size=300),
    st.sampled_from(["", "utf-8", "gb2312", "iso-2022-jp", "utf-7", "shift_jis", "x", "utf-16"]),
)
@settings(max_examples=examples(60))
def test_any_bytes_are_read(payload, label):
    assert isinstance(charsets.decode(payload, label, markup=True), str)
    assert isinstance(header_words.decode(payload), str)


# -- names and subjects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b"=?utf-8?q?Jos=C3=A9_Ib=C3=A1=C3=B1ez?= <pat@mail.example>", "José Ibáñez"),
        (b'"=?utf-8?q?Jos=C3=A9_Ib=C3=A1=C3=B1ez?=" <pat@mail.example>', "José Ibáñez"),
        ("José Ibáñez <pat@mail.example>".encode(), "José Ibáñez"),
        ("José Ibáñez <pat@mail.example>".encode("latin-1"), "José Ibáñez"),
        (b"=?iso-8859-1?Q?M=FCller=2C_Eva?= <pat@mail.example>", "Müller, Eva"),
        (b"M\xfcller, Eva <pat@mail.example>", "Müller, Eva"),
        (b"pat@mail.example (=?utf-8?b?RXZh?=)", "Eva"),
        (b"pat@mail.example", ""),
        (b"=?utf-8?q?Care_=3Ccare=40clinic=2Etest=3E?= <pat@mail.example>", "Care <care@clinic.test>"),
    ],
)
def test_who_wrote_it(field, name):
    found = reply_text.read(b"From: " + field + b"\r\n\r\nx")
    assert (found.sender_name, found.sender) == (name, "pat@mail.example")


@pytest.mark.parametrize(
    ("field", "subject"),
    [
        ("Re: =?utf-8?q?caf=C3=A9?= 予約".encode(), "Re: café 予約"),
        (b"=?utf-8?q?caf=C3=A9?= M\xfcller", "café Müller"),
        (b"=?iso-8859-1?q?caf=E9_\xe9?=", "café é"),
        (b"=?utf-8?b?5pel?=\r\n =?utf-8?b?5g==?=\r\n\t=?UTF-8?b?nKw=?=", "日本"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?= c =?utf-8?q?d?=", "ab c d"),
        (b"=?gb2312?B?1Oey4Q==?= =?utf-8?Q?=c3=a9?=", "早册é"),
        (b"=?iso-8859-1*de?Q?Gr=FC=DFe?=", "Grüße"),
        (b"=?us-ascii?Q?5=9610?= mg", "5–10 mg"),
        (b"=?utf-8?b?SGFsbG8?= x", "Hallo x"),
        (b"=?nobody?q?=C3=A9?=", "é"),
        (b"a folded\r\n subject", "a folded subject"),
        (b"1 =? 2 ?= 3", "1 =? 2 ?= 3"),
    ],
)
def test_what_it_is_about(field, subject):
    assert reply_text.read(b"Subject: " + field + b"\r\n\r\nx").subject == subject


@given(st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=80))
@settings(max_examples=examples(40))
def test_what_a_library_encodes_is_decoded(words):
    assert header_words.decode(Header(words, "utf-8").encode().encode()) == words


# -- HTML ------------------------------------------------------------------------------------------------------

HEAD = "<head><style>" + "@font-face {font-family: x; src: y}\n" * 400 + "</style></head>"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (
            f"<html>{HEAD}<body><p>I stopped the blood thinner on Friday.</p></body>",
            "I stopped the blood thinner on Friday.",
        ),
        ("<!--" + "x > " * 9000 + "--><p>Here.</p>", "Here."),
        ("<script>" + "var x = 1 < 2;" * 3000 + "</script><title>No</title><p>Here.</p>", "Here."),
        ("<!--[if mso]><xml><w:LsdException Name='x'></w:LsdException></xml><![endif]--><p>Here.</p>", "Here."),
        ("My sugar was <70 twice, then >200 after lunch.", "My sugar was <70 twice, then >200 after lunch."),
        ("<p>a < b, c<3, &lt;5, x <- y</p>", "a < b, c<3, <5, x <- y"),
        ("<p>Yes<!-- a > b --> please</p>", "Yes please"),
        ("<span title='x>y'>Call me</span>", "Call me"),
        ("One<br>two<br/><br>three", "One\ntwo\n\nthree"),
        ("<div>One</div><div>two</div><div><br></div><div>three</div>", "One\ntwo\n\nthree"),
        ("<p>One</p><p>two</p>", "One\n\ntwo"),
        ("<p class=MsoNormal>One</p><p class=MsoNormal>two</p>", "One\ntwo"),
        ("<ul><li>Aspirin<li>Insulin<ul><li>night</ul></ul>", "• Aspirin\n• Insulin\n  • night"),
        ("<ol start=3><li>c</li><li>d</li></ol>", "3. c\n4. d"),
        (
            "<table><tr><th>Mon</th><td>7.2</td></tr><tr><td><p>Tue</p></td><td>6.9</td></tr></table>",
            "Mon\t7.2\nTue\t6.9",
        ),
        ("<table><tr><td><table><tr><td>a</td><td>b</td></tr></table></td><td>c</td></tr></table>", "a\tb\tc"),
        ("<pre>7 am  120/80\n8 pm  130/85</pre>", "7 am  120/80\n8 pm  130/85"),
        ("<h4>Before</h4>Drink", "Before\n\nDrink"),
        ('<a href="https://x.test/a?b=1&amp;c=2">my results</a>', "my results (https://x.test/a?b=1&c=2)"),
        ('<a href="https://x.test/">x.test</a> <a href="mailto:a@x.test">a@x.test</a>', "x.test a@x.test"),
        ('<a href="javascript:alert(1)">press</a>', "press"),
        ('See <img src="cid:1" alt="my rash"> and <img alt="😀"><img src=x>', "See [my rash] and 😀"),
        ("dose <s>20 mg</s> 10 mg", "dose [struck out: 20 mg] 10 mg"),
        ("10<sup>3</sup>, H<sub>2</sub>O, 1<sup>st</sup>, x<sup>-2</sup>", "10³, H₂O, 1st, x⁻²"),
        ("<p>it said <LOW today, a<b</p><p>then <HIGH></p>", "it said <LOW today, a<b\n\nthen <HIGH>"),
        ("Write to <pat@mail.example> please", "Write to <pat@mail.example> please"),
        ("<st1:place w:st='on'>Boston</st1:place> <my-x>kept</my-x>", "Boston kept"),
        ("&#150; &eacute; &nbsp; &amp;lt;", "– é   &lt;"),
        ("<textarea>a</textarea><xml><o:p>gone</o:p></xml><o:p>kept</o:p>", "akept"),
    ],
)
def test_a_page_is_read_as_a_page(page, words):
    assert re.sub(" +", " ", text_of(letter(page, "text/html; charset=utf-8"))) == re.sub(" +", " ", words)


HOSTILE = {
    "deep": "<div>" * 100_000 + "x",
    "deep, ends that end nothing": "<div></p></b>" * 50_000 + "x",
    "lists": "<ul><li>" * 20_000 + "x",
    "paragraphs": "<p>" * 100_000 + "x",
    "no end": "<a b='" * 50_000,
    "less than": "<" * 200_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_page_holds_nobody(what):
    html_text.text_of(HOSTILE[what])


# -- parts -----------------------------------------------------------------------------------------------------


def test_parts_of_a_mixed_mail_follow_each_other():
    words = letter("<p>Please cancel my visit tomorrow.</p>", "text/html")
    scanner = letter("This mail was checked for viruses.")
    assert text_of(several("multipart/mixed", words, scanner)).split("\n\n") == [
        "Please cancel my visit tomorrow.",
        "This mail was checked for viruses.",
    ]
    raw = several("multipart/mixed", letter("See below."), letter("<b>My new phone is 555-0188</b>", "text/html"))
    assert "555-0188" in text_of(raw)


@pytest.mark.parametrize(
    "stub", ["", " \r\n", "This is an HTML mail.", "Your program cannot show HTML messages. Open it here."]
)
def test_a_stub_does_not_hide_the_page(stub):
    page = letter(
        "<p>I was bitten by a dog on Sunday. Do I need a new tetanus shot before Friday's visit?</p>", "text/html"
    )
    found = reply_text.read(several("multipart/alternative", letter(stub), page))
    assert found.pieces[0].kind == "words"
    assert found.pieces[0].text.startswith("I was bitten by a dog")
    if stub.strip():
        assert stub in found.text


def test_of_two_versions_of_the_same_words_one_is_shown():
    page = letter("<div>I was <b>bitten</b> by a dog.</div>", "text/html")
    assert kinds(several("multipart/alternative", letter("I was bitten by a dog."), page)) == [
        ("words", "I was bitten by a dog.")
    ]
    related = several("multipart/related", page, letter(b"x", 'image/png; name="dog.png"'))
    found = reply_text.read(several("multipart/alternative", letter("I was bitten by a dog."), related))
    assert found.text == "I was bitten by a dog."
    assert [one.name for one in found.attachments] == ["dog.png"]


def test_a_letter_without_seams_or_under_a_file_name_is_still_read():
    assert "Call me." in text_of(b"Content-Type: multipart/mixed\r\n\r\n--x\r\n\r\nCall me.\r\n--x--\r\n")
    assert text_of(letter("Call me.", 'text/plain; name="x.txt"\r\nContent-Disposition: attachment')) == "Call me."
    assert (
        text_of(b"Call me.")
        == text_of(b"\r\nCall me.")
        == text_of(b"Content-Type: nothing\r\n\r\nCall me.")
        == "Call me."
    )


def test_an_empty_page_does_not_hide_the_words():
    assert (
        text_of(several("multipart/alternative", letter("Call me."), letter("<img src=x>", "text/html"))) == "Call me."
    )


def test_a_mail_within_a_mail_says_who_wrote_it():
    inner = letter("Take 2 tablets.", From="=?utf-8?q?Dr=2E_Ib=C3=A1=C3=B1ez?= <doc@other.test>", Subject="Dose")
    found = reply_text.read(
        several("multipart/mixed", letter("Is that right?"), b"Content-Type: message/rfc822\r\n\r\n" + inner)
    )
    words, passed_on = found.pieces
    assert words.text == "Is that right?"
    assert (passed_on.kind, passed_on.who, passed_on.about) == ("forwarded", "Dr. Ibáñez <doc@other.test>", "Dose")
    assert passed_on.pieces == (Piece("words", "Take 2 tablets."),)
    assert found.text.index("written by Dr. Ibáñez") < found.text.index("Take 2 tablets")
    assert [(one.name, one.kind) for one in found.attachments] == [("message.eml", "message/rfc822")]


def test_a_named_text_file_is_not_the_letter():
    note = letter("Take 20 mg", 'text/plain; name="note.txt"\r\nContent-Disposition: inline; filename="note.txt"')
    found = reply_text.read(several("multipart/mixed", letter("See the note."), note))
    assert [(one.kind, one.name, one.text) for one in found.pieces] == [
        ("words", "", "See the note."),
        ("file", "note.txt", "Take 20 mg"),
    ]
    assert "[File note.txt]" in found.text
    assert [one.name for one in found.attachments] == ["note.txt"]


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ('attachment; filename="=?utf-8?q?caf=C3=A9=2Epdf?="', "café.pdf"),
        ("attachment; filename*=utf-8''caf%C3%A9.pdf", "café.pdf"),
        ("attachment; filename*0=ca; filename*1=fe.pdf", "cafe.pdf"),
        ('attachment; filename="café.pdf"', "café.pdf"),
        ('attachment; filename="../../etc/x.pdf"', ".._.._etc_x.pdf"),
        ("attachment", "unnamed"),
    ],
)
def test_names_of_files(field, name):
    raw = f"Content-Type: application/pdf\r\nContent-Disposition: {field}\r\n\r\n%PDF-".encode()
    found = reply_text.read(several("multipart/mixed", letter("x"), raw))
    assert [(one.name, one.size) for one in found.attachments] == [(name, 5)]


HEADS = [
    b"Content-Type: ", b"multipart/mixed", b"multipart/report", b"message/rfc822", b"text/html", b"text/calendar",
    b"; ", b"boundary=b", b"charset*=utf-8''%ff", b"charset=\xff", b"report-type*0=x", b'name="', b"\r\n",
    b"\r\n\r\n", b"--b", b"--b--", b"From: <", b"Content-Transfer-Encoding: base64", b"uuencode", b"begin 644 x",
    b"=?utf-8?b?", b"\x00", b"\xe9", b"Content-Disposition: attachment; filename*=", b"<table>", b"</td>",
    b"BEGIN:VEVENT", b"DTSTART:2026", b"message/delivery-status",
]  # fmt: skip


@given(st.lists(st.sampled_from(HEADS), max_size=30).map(b"".join))
@settings(max_examples=examples(80))
def test_no_mail_is_too_strange_to_be_read(raw):
    found = reply_text.read(raw)
    assert found.text != "This mail could not be read here. The original has been kept."
    assert isinstance(structure_of(raw), Structure)


def test_flowed_lines_are_paragraphs_again():
    flowed = "I was bitten \r\nby a dog.\r\n\r\n > 200 \r\nafter lunch\r\n-- \r\nDana"
    assert (
        text_of(letter(flowed, "text/plain; format=flowed")) == "I was bitten by a dog.\n\n> 200 after lunch\n-- \nDana"
    )


def test_the_limit_is_on_what_is_read_and_is_told():
    found = reply_text.read(letter("word " * 40_000))
    assert found.is_cut
    assert len(found.text) <= reply_text.MAX_TEXT
    assert not reply_text.read(letter("word " * 4_000)).is_cut


def test_what_looks_automatic_is_marked_and_shown():
    for fields in ({"Subject": "Out of office"}, {"Precedence": "auto_reply"}, {"X-Autoreply": "yes"}):
        found = reply_text.read(letter("I am away.", **fields))
        assert found.looks_automatic
        assert found.text == "I am away."
    assert not reply_text.read(letter("x", Subject="Re: my vacation")).looks_automatic


# -- quotations ------------------------------------------------------------------------------------------------

REPLIES = [
    ("On Mon, Nov 30, 2026 at 9:00 AM Clinic <care@clinic.test> wrote:", "> Your visit"),
    ("On Mon, Nov 30, 2026 at 9:00 AM Riverbend Clinic\n<care@clinic.test> wrote:", "> Your visit\n>\n> is on Friday"),
    ("Am 30.11.2026 um 09:00 schrieb Klinik <care@clinic.test>:", "> Ihr Besuch"),
    ("El lun, 30 nov 2026 a las 9:00, Clínica (<care@clinic.test>) escribió:", "> Su visita"),
    ("Le lun. 30 nov. 2026 à 09:00, Clinique <care@clinic.test> a écrit :", "> Votre visite"),
    ("Em seg., 30 de nov. de 2026 às 09:00, Clínica <care@clinic.test> escreveu:", "> Sua visita"),
    ("Il giorno lun 30 nov 2026 alle ore 09:00 Clinica <care@clinic.test> ha scritto:", "> La visita"),
    ("Op ma 30 nov. 2026 om 09:00 schreef Kliniek <care@clinic.test>:", "> Uw bezoek"),
    ("-----Original Message-----\nFrom: Clinic\nSent: Monday\nTo: Dana\nSubject: Visit", "Your visit"),
    ("________________________________\nFrom: Clinic <c@x.test>\nSent: Monday\nTo: Dana\nSubject: Visit", "Your visit"),
    ("Von: Klinik\nGesendet: Montag\nAn: Dana\nBetreff: Besuch", "Ihr Besuch"),
    ("De: Clínica\nEnviado: lunes\nPara: Dana\nAsunto: Visita", "Su visita"),
    ("De : Clinique\nEnvoyé : lundi\nÀ : Dana\nObjet : Visite", "Votre visite"),
    ("*From:* Clinic\n*Sent:* Monday\n*To:* Dana\n*Subject:* Visit", "Your visit"),
]


@pytest.mark.parametrize(("head", "quoted"), REPLIES)
def test_the_answer_is_told_from_what_it_answers(head, quoted):
    found = reply_text.read(letter(f"Yes, I come.\n\nDana\n\n{head}\n\n{quoted}\n"))
    words, quotation = found.pieces
    assert words == Piece("words", "Yes, I come.\n\nDana")
    assert quotation.kind == "quoted"
    assert quotation.text == quoted
    assert quoted.split("\n")[0] in found.text  # told apart, not taken away


@pytest.mark.parametrize(
    "quotation",
    [
        '<div class="gmail_quote"><div class="gmail_attr">On Mon, Nov 30, 2026 Clinic wrote:</div>'
        "<blockquote>Your visit</blockquote></div>",
        "<div>On 30.11.2026, Clinic wrote:</div><blockquote type=cite>Your visit</blockquote>",
        "<p>On Monday 30 November, Clinic &lt;c@x.test&gt; wrote:</p><blockquote>Your visit</blockquote>",
        '<div class="yahoo_quoted">On Monday, Clinic wrote: Your visit</div>',
        "<hr><div id=divRplyFwdMsg><b>From:</b> Clinic<br><b>Sent:</b> Monday<br><b>To:</b> Dana<br>"
        "<b>Subject:</b> x</div>Your visit",
        "<div style='border-top:solid #E1E1E1 1pt'><p class=MsoNormal><b>From:</b> Clinic<br><b>Sent:</b> Monday<br>"
        "<b>To:</b> D<br><b>Subject:</b> x</p></div><p class=MsoNormal>Your visit</p>",
    ],
)
def test_pages_quote_too(quotation):
    words, quoted = reply_text.read(letter(f"<div>Yes, I come.</div>{quotation}", "text/html")).pieces
    assert words == Piece("words", "Yes, I come.")
    assert quoted.kind == "quoted"
    assert "Your visit" in quoted.text


def test_answers_between_the_lines_stay_in_order():
    raw = letter("On Mon, Nov 30 2026 Clinic wrote:\n> Do you smoke?\n\nNo.\n\n> Do you drink?\n> How much?\n\nWine.")
    assert [kind for kind, _ in kinds(raw)] == ["quoted", "words", "quoted", "words"]


def test_answers_right_below_the_lines_stay_in_order():
    raw = letter("> Do you take aspirin?\nNo, stopped.\n> Do you smoke?\nYes")
    assert [kind for kind, _ in kinds(raw)] == ["quoted", "words", "quoted", "words"]


@pytest.mark.parametrize(
    "words",
    [
        "My sugar was\n>200 after lunch and\n>150 at night",
        "> 200 at noon\n> 180 at night",
        "From: Monday on I am away.\nCall me.",
        "On Tuesday the doctor wrote a prescription: 20 mg",
        "The nurse wrote: take two.",
        "To: the nurse\nI feel better.",
        "my list:\n-----\naspirin",
    ],
)
def test_own_words_are_not_taken_for_a_quotation(words):
    assert kinds(letter(words)) == [("words", words)]


def test_an_indented_paragraph_of_ones_own_is_not_a_quotation():
    page = "<p>I eat:</p><blockquote style='margin:0 0 0 40px'>bread</blockquote>"
    assert [kind for kind, _ in kinds(letter(page, "text/html"))] == ["words"]


@pytest.mark.parametrize(
    "head",
    [
        "---------- Forwarded message ---------\nFrom: Dr. Kim <kim@x.test>\nDate: Mon\nSubject: Dose\nTo: Dana",
        "Begin forwarded message:\n\nFrom: Dr. Kim <kim@x.test>\nSubject: Dose\nDate: Monday\nTo: Dana",
        "------ Weitergeleitete Nachricht ------\nVon: Dr. Kim <kim@x.test>\nBetreff: Dose\nDatum: Montag\nAn: Dana",
        "---------- Mensaje reenviado ---------\nDe: Dr. Kim <kim@x.test>\nFecha: lunes\nAsunto: Dose\nPara: Dana",
        "---------- Message transféré ---------\nDe : Dr. Kim <kim@x.test>\nDate : lundi\nObjet : Dose\nÀ : Dana",
    ],
)
def test_what_was_passed_on_says_who_wrote_it(head):
    words, passed_on = reply_text.read(letter(f"Is that right?\n\n{head}\n\nTake 2 tablets.")).pieces
    assert words.text == "Is that right?"
    assert (passed_on.kind, passed_on.who, passed_on.about) == ("forwarded", "Dr. Kim <kim@x.test>", "Dose")
    assert passed_on.pieces == (Piece("words", "Take 2 tablets."),)


def test_outlook_passes_on_by_the_subject():
    head = "From: Dr. Kim\nSent: Monday\nTo: Dana\nSubject: Dose"
    found = reply_text.read(letter(f"Right?\n\n{head}\n\nTake 2.", Subject="FW: Dose"))
    assert [(one.kind, one.who) for one in found.pieces] == [("words", ""), ("forwarded", "Dr. Kim")]


PIECES = ["a", "b 1", ":", "> ", "\n", "<c@d.test>", "On 1 May ", " wrote:", "From: x", "Sent: y", "To: z", "\n\n"]
MARKS = [html_text.QUOTE_BEGINS, html_text.QUOTE_ENDS, html_text.INDENT_BEGINS, html_text.INDENT_ENDS]


@given(st.lists(st.sampled_from(PIECES + MARKS), max_size=40).map("".join))
@settings(max_examples=examples(80))
def test_no_word_is_lost_by_telling_apart(words):
    parts = quoting.split(words)
    kept = "".join(part.head + part.text + part.who + part.when for part in parts)
    assert sorted(re.findall("[ab1xyz]", kept)) == sorted(re.findall("[ab1xyz]", words))


# -- calendars -------------------------------------------------------------------------------------------------

EVENT = (
    "BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VTIMEZONE\r\nTZID:America/New_York\r\nBEGIN:STANDARD\r\n"
    "DTSTART:19701101T020000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\n{start}\r\nSUMMARY:Check\\, with\r\n"
    "  Dr. Kim\r\n"
    'ORGANIZER;CN="Riverbend Clinic":mailto:care@clinic.test\r\n'
    "ATTENDEE;CN=Dana;PARTSTAT={answer}:mailto:dana@goodmail.test\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
NINE = "DTSTART;TZID=America/New_York:20261209T090000"


def told(method: str, answer: str = "NEEDS-ACTION", start: str = NINE, zone=NEW_YORK) -> str:
    return calendar_words.words_of(EVENT.format(method=method, answer=answer, start=start), zone)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("ACCEPTED", "accepted the invitation"),
        ("DECLINED", "declined the invitation"),
        ("TENTATIVE", "tentatively accepted the invitation"),
    ],
)
def test_an_answer_to_an_invitation_is_told_in_words(answer, words):
    assert told("REPLY", answer) == (
        f"Dana (dana@goodmail.test) {words} for Dec 9, 9:00 AM (Wednesday, 2026): Check, with Dr. Kim"
    )


@pytest.mark.parametrize(
    ("start", "when"),
    [
        ("DTSTART:20261209T140000Z", "Dec 9, 9:00 AM (Wednesday, 2026)"),
        ("DTSTART;TZID=America/Los_Angeles:20261209T090000", "Dec 9, 9:00 AM (Wednesday, 2026, America/Los_Angeles)"),
        (
            "DTSTART;TZID=Pacific Standard Time:20261209T130000",
            "Dec 9, 1:00 PM (Wednesday, 2026, Pacific Standard Time)",
        ),
        ("DTSTART:20261209T000500", "Dec 9, 12:05 AM (Wednesday, 2026)"),
        ("DTSTART;VALUE=DATE:20261209", "Dec 9, all day (Wednesday, 2026)"),
        (f"{NINE}\r\nDTEND;TZID=America/New_York:20261209T093000", "Dec 9, 9:00 AM to 9:30 AM (Wednesday, 2026)"),
        ("DTSTART:20269999T990000Z", "20269999T990000Z"),
    ],
)
def test_a_time_is_told_at_its_clock(start, when):
    assert f"for {when}: Check" in told("REQUEST", start=start)


def test_invitations_and_cancellations():
    assert told("REQUEST").startswith("Invitation from Riverbend Clinic (care@clinic.test) for Dec 9, 9:00 AM")
    assert told("CANCEL").startswith("Cancelled by Riverbend Clinic (care@clinic.test) for Dec 9, 9:00 AM")
    assert told("COUNTER").startswith("Dana (dana@goodmail.test) proposes another time: Dec 9, 9:00 AM")
    assert told("PUBLISH").startswith("Calendar entry from")
    assert calendar_words.words_of("Hello: there\r\n", UTC) == ""


def test_a_calendar_answer_in_a_letter_is_no_raw_calendar():
    event = EVENT.format(method="REPLY", answer="DECLINED", start="DTSTART:20261209T140000Z")
    raw = several("multipart/alternative", letter("I cannot come."), letter(event, "text/calendar; method=REPLY"))
    found = reply_text.read(raw, zone=NEW_YORK)
    assert [one.kind for one in found.pieces] == ["words", "calendar"]
    assert "declined the invitation for Dec 9, 9:00 AM" in found.text
    assert "BEGIN:VCALENDAR" not in found.text
    assert "declined" in reply_text.read(letter(event, "text/calendar")).text


# -- the collections -------------------------------------------------------------------------------------------


def test_every_letter_of_the_collections_is_read_and_shows_its_words(shared_data):
    """Whatever simple text a mail has is shown: no word of seven letters or more is missing."""
    seen = 0
    for folder in ("inbound", "bounces/sisimai/not"):
        for path in sorted((shared_data / folder).rglob("*")):
            raw = path.read_bytes() if path.is_file() else b""
            if not raw or path.suffix in {".gz", ".json"}:
                continue
            found = reply_text.read(raw)
            json.dumps(found.to_json())
            head, _, body = re.sub(rb"\r\n?", b"\n", raw).partition(b"\n\n")
            lines = re.sub(rb"\n[ \t]+", b" ", head).lower()
            plain = not re.search(
                rb"(?m)^content-(?:type: (?!text/plain)|transfer-encoding: (?:base64|quoted)|disposition)", lines
            )
            if plain and re.match(rb"(?:from |[\w-]+:)", lines) and not found.is_cut and body.isascii():
                seen += 1
                words = set(re.findall(r"[a-z]{7,}", body.decode().lower()))
                # What introduces a passed-on mail is told in our words.
                words -= {"message", "subject", "forwarded"} if "[Forwarded," in found.text else set()
                shown = found.text.lower()
                assert [word for word in sorted(words) if word not in shown] == [], path
    assert seen > 200


def test_replies_of_the_collections_are_told_from_what_they_quote(shared_data):
    folder = shared_data / "inbound" / "talon-replies"
    told_apart = 0
    for path in sorted([*folder.glob("html_replies/*.html"), *folder.glob("standard_replies/*.eml")]):
        raw = path.read_bytes()
        found = reply_text.read(letter(raw, "text/html; charset=utf-8") if path.suffix == ".html" else raw)
        own = [piece.text for piece in found.pieces if piece.kind == "words"]
        told_apart += len(own) == 1 and own[0].startswith("H") and len(own[0]) < 90
    assert told_apart >= 21
