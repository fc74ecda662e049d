"""Telling what somebody wrote from what their mail program quoted or passed on: pure.

Nothing is taken away: the pieces together are the text. Where it is not sure, it is somebody's own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from apps.mail.html_text import INDENT_BEGINS, INDENT_ENDS, QUOTE_BEGINS, QUOTE_ENDS

_FROM = r"From|Von|De|Da|Van|Från|Fra|Od|Expéditeur|Remitente|Mittente|Lähettäjä|От|差出人|发件人|寄件者|보낸 사람"
_SENT = (
    r"Sent|Date|Gesendet|Datum|Enviado(?: el)?|Enviada(?: em)?|Fecha|Envoy[ée]|Inviato|Data|Verzonden|Skickat|Sendt|"
    r"Wysłano|Отправлено|Дата|送信日時|日時|发送时间|日期|寄件日期|보낸 날짜"
)
_TO = r"To|Cc|An|Para|À|A|Aan|Till|Til|Do|Кому|宛先|收件人|받는 사람|Reply-To"
_SUBJECT = r"Subject|Betreff|Asunto|Objet|Oggetto|Onderwerp|Ämne|Emne|Assunto|Temat|Тема|件名|主题|主旨|제목"
_LABELS = {"from": _FROM, "sent": _SENT, "to": _TO, "subject": _SUBJECT}
_HEADER = re.compile(
    "|".join(f"(?P<{name}>^[*_ ]*(?:{labels})[*_]*\\s?[:：][*_]*\\s?.*)" for name, labels in _LABELS.items()),
    re.IGNORECASE,
)
_VALUE = re.compile(r"^[^:：]*[:：][*_]*\s*")
_VERB = (
    r"wrote|writes|said|schrieb(?: am)?|geschrieben|escribi[óo]|[ée]crit|ha scritto|escreveu|schreef|skrev|"
    r"napisała?(?:\(a\))?|kirjoitti|написала?|пишет|写道|寫道"
)
_BY = re.compile(
    rf"(?is)^\s*(?:On|Am|El|Le|Il(?: giorno)?|Em|A|Op|Den|P[åa]|W dniu|Dnia|Le lun|Le mar|\d{{1,4}}[-./年]).{{4,400}}?"
    rf"(?:{_VERB})\b[^\n]{{0,120}}?\s?[:：]\s*$"
)
_BY_NAME = re.compile(rf"(?is)^[^\n]{{0,160}}(?:<[^<>\s]+@[^<>\s]+>|\S+@\S+)[^\n]{{0,80}}(?:{_VERB})\s?[:：]\s*$")
_BY_NAME_FIRST = re.compile(rf"(?is)^[^\n]{{1,160}}\s(?:{_VERB})\s(?:[^\n]{{0,160}})[:：]\s*$")
# Russian mail programs leave out the verb: 'Thu, 26 Jun 2014 14:00 от Kim <kim@mail.example>:'.
_DATE_AND_ADDRESS = re.compile(r"(?is)^[^\n]{0,30}\d{1,4}[^\n]{0,60}\d{1,2}:\d\d[^@]{0,120}<[^<>\s]+@[^<>\s]+>\s?:\s*$")
_ORIGINAL = re.compile(
    r"(?i)^\s*[-_=\s]{3,}\s*(?:Original[- ]Message|Original Appointment|Urspr[üu]ngliche (?:Nachricht|Mail)|"
    r"Mensaje original|Message d'origine|Message original|Messaggio originale|Mensagem original|"
    r"Oorspronkelijk bericht|Ursprungligt meddelande|Oprindelig meddelelse|Wiadomość oryginalna)\s*[-_=\s]*$"
)
_PASSED_ON = re.compile(
    r"(?i)^\s*(?:[-_=\s]{3,}\s*(?:Forwarded (?:message|by)|Weitergeleitete (?:Nachricht|Mail)|Mensaje reenviado|"
    r"Message transf[ée]r[ée]|Messaggio inoltrato|Mensagem encaminhada|Doorgestuurd bericht|Vidarebefordrat meddelande)"
    r".{0,80}[-_=\s]*|Begin forwarded message:|Anfang der weitergeleiteten (?:Nachricht|E-Mail):|"
    r"Inicio del mensaje reenviado:|D[ée]but du message (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])\s?:|"
    r"Inizio messaggio inoltrato:|Begin doorgestuurd bericht:)\s*$"
)
_SUBJECT_PASSED_ON = re.compile(r"(?i)^\s*(?:fwd?|wg|rv|tr|i|enc|vb|vs|doorst)\s?:")
_NUMBER = re.compile(r"^\s*>+\s*=?\s*[\d.,]")
_QUOTE = re.compile(r"^\s{0,3}>")
MAX_DEPTH = 3
MAX_LINES = 4_000


@dataclass(frozen=True)
class Part:
    """A stretch of a text: ``kind`` is "words", "quoted" or "forwarded"; ``head`` is the lines that introduce it."""

    kind: str
    text: str
    head: str = ""
    who: str = ""
    about: str = ""
    when: str = ""


def split(text: str, subject: str = "") -> list[Part]:
    """The stretches of a text, in order. ``subject`` tells whether the whole letter passes something on."""
    passed_on = bool(_SUBJECT_PASSED_ON.match(subject))
    parts: list[Part] = []
    for kind, stretch in _marked(text):
        if kind == "quoted":
            head = _take_introduction(parts)
            inner = plain(stretch).strip("\n")
            if inner.strip() or head:
                parts.append(_quotation(inner, head))
        else:
            parts += _lines(plain(stretch), passed_on)
    return _joined(parts)


def _marked(text: str) -> Iterator[tuple[str, str]]:
    """Stretches by the marks of ``html_text``; marks of indentation count where the line before says "wrote:"."""
    depth, kept = 0, ""
    opened: list[bool] = []
    for piece in re.split(f"([{QUOTE_BEGINS}{QUOTE_ENDS}{INDENT_BEGINS}{INDENT_ENDS}])", text):
        if piece in {QUOTE_BEGINS, INDENT_BEGINS} and piece:
            quoted = piece == QUOTE_BEGINS or _introduces(kept)
            opened.append(quoted)
            if quoted:
                if not depth:
                    yield "words", kept
                    kept = ""
                depth += 1
        elif piece in {QUOTE_ENDS, INDENT_ENDS} and piece:
            if opened and opened.pop():
                depth -= 1
                if not depth:
                    yield "quoted", kept
                    kept = ""
        else:
            kept += piece
    yield ("quoted" if depth else "words"), kept


def plain(text: str) -> str:
    """The text without the marks of ``html_text``."""
    return re.sub(f"[{QUOTE_BEGINS}{QUOTE_ENDS}{INDENT_BEGINS}{INDENT_ENDS}]", "", text)


def _introduces(text: str) -> bool:
    lines = [line for line in text.rstrip().split("\n")[-3:] if line.strip()]
    return any(_is_introduction("\n".join(lines[start:])) for start in range(len(lines)))


def _is_introduction(text: str) -> bool:
    if len(text) > 500 or not re.search(r"[:：]\s*$", text):
        return False
    dated = bool(re.search(r"\d|@", text))
    return dated and bool(
        _BY.match(text) or _BY_NAME.match(text) or _BY_NAME_FIRST.match(text) or _DATE_AND_ADDRESS.match(text)
    )


def _take_introduction(parts: list[Part]) -> str:
    """The "On Monday Kim wrote:" before a quotation belongs to it."""
    if not parts or parts[-1].kind != "words":
        return ""
    lines = parts[-1].text.rstrip().split("\n")
    heads = {count: "\n".join(lines[-count:]) for count in (1, 2, 3) if len(lines) >= count}
    # A long introduction is wrapped; its last line alone may look like one, too.
    whole = [count for count, head in heads.items() if _BY.match(head) and "\n\n" not in head]
    for count in (*whole, *heads):
        if _is_introduction(heads[count]):
            parts[-1] = Part("words", "\n".join(lines[:-count]))
            return heads[count].strip()
    return ""


def _quotation(text: str, head: str = "") -> Part:
    """A quotation, or something passed on if it begins like that."""
    lines = text.split("\n")
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if _PASSED_ON.match(lines[first]):
        return _passed_on(lines, first)
    return Part("quoted", text, head=head)


def _lines(text: str, passed_on: bool) -> list[Part]:
    lines = text.split("\n")
    # Answers written between the lines of a quotation: each question stands alone before its answer.
    between = sum(1 for line in lines[:MAX_LINES] if _QUOTE.match(line) and not _NUMBER.match(line)) > 1
    parts: list[Part] = []
    words: list[str] = []
    place = 0
    while place < len(lines):
        line = lines[place]
        if place < MAX_LINES and line.strip():
            rest = _rest(lines, place, passed_on)
            if rest is not None:
                return [*parts, Part("words", "\n".join(words)), rest]
            end = _quoted_lines(lines, place, between=between)
            if end:
                parts.append(Part("words", "\n".join(words)))
                words = []
                head = _take_introduction(parts)
                parts.append(Part("quoted", "\n".join(lines[place:end]).strip("\n"), head=head))
                place = end
                continue
        words.append(line)
        place += 1
    return [*parts, Part("words", "\n".join(words))]


def _rest(lines: list[str], place: int, passed_on: bool) -> Part | None:
    """The rest of the text as a quotation or as something passed on, when it begins at this line."""
    line = lines[place]
    if _PASSED_ON.match(line):
        return _passed_on(lines, place)
    begins = place
    ruled = bool(_ORIGINAL.match(line))
    if ruled or re.fullmatch(r"\s*(?:[_-]{10,}|[-_ ]{20,})\s*", line):
        begins = next(
            (number for number in range(place + 1, min(place + 4, len(lines))) if lines[number].strip()), place
        )
    end, fields = _header_block(lines, begins)
    if fields:
        if passed_on and not ruled:
            return _of_fields("\n".join(lines[end:]), "\n".join(lines[place:end]), fields)
        return Part("quoted", "\n".join(lines[end:]).strip("\n"), head="\n".join(lines[place:end]))
    if ruled:
        return Part("quoted", "\n".join(lines[place:]))
    for count in (1, 2, 3):
        head = "\n".join(lines[place : place + count])
        if _BY.match(head) and re.search(r"\d", head) and _is_introduction(head):
            after = next((each for each in lines[place + count :] if each.strip()), "")
            if after and not _QUOTE.match(after):
                return Part("quoted", "\n".join(lines[place + count :]).strip("\n"), head=head)
    return None


def _header_block(lines: list[str], place: int) -> tuple[int, dict[str, str]]:
    """Where a block "From: Sent: To: Subject:" ends and what it says; no fields when there is none."""
    first = _HEADER.match(lines[place])
    if not first or first.lastgroup not in {"from", "sent", "subject"}:
        return place, {}
    fields: dict[str, str] = {}
    end = place
    for number in range(place, min(place + 12, len(lines))):
        found = _HEADER.match(lines[number])
        if found and found.lastgroup:
            fields.setdefault(found.lastgroup, _VALUE.sub("", found.group().strip(), count=1).strip("* "))
            end = number + 1
        elif not lines[number].strip():
            if len(fields) >= 3:
                break
        elif number > end + 1:
            break
    if "from" not in fields or len(fields) < 3:
        return place, {}
    return end, fields


def _passed_on(lines: list[str], place: int) -> Part:
    begins = next((number for number in range(place + 1, len(lines)) if lines[number].strip()), place)
    end, fields = _header_block(lines, begins) if begins > place else (place + 1, {})
    if not fields:
        return Part("forwarded", "\n".join(lines[place + 1 :]).strip("\n"), head=lines[place].strip())
    return _of_fields("\n".join(lines[end:]), "\n".join(lines[place:end]), fields)


def _of_fields(text: str, head: str, fields: dict[str, str]) -> Part:
    rest = [line for line in head.split("\n") if not _is_told(line)]
    return Part(
        "forwarded",
        text.strip("\n"),
        head="\n".join(rest).strip(),
        who=fields.get("from", "")[:300],
        about=fields.get("subject", "")[:300],
        when=fields.get("sent", "")[:100],
    )


def _is_told(line: str) -> bool:
    """Whether a line of what introduces a passed-on mail is told otherwise: who, about what, when."""
    found = _HEADER.match(line)
    return bool(_PASSED_ON.match(line)) or (found is not None and found.lastgroup in {"from", "sent", "subject"})


def _quoted_lines(lines: list[str], place: int, *, between: bool) -> int:
    """Where a run of lines that begin with ">" ends, 0 when there is none here. Empty lines within it belong to it.

    "> 200 after lunch" is a value: a single line, or a run of numbers, counts only after "Kim wrote:".
    ``between``: the letter has more lines that are quoted and no numbers, so that a single one is a quotation too.
    """
    if not _QUOTE.match(lines[place]):
        return 0
    end = place
    for number in range(place, len(lines)):
        if _QUOTE.match(lines[number]):
            end = number + 1
        elif lines[number].strip():
            break
    run = [line for line in lines[place:end] if line.strip()]
    before = lines[max(place - 4, 0) : place]
    if _introduces("\n".join(before)):
        return end
    if all(_NUMBER.match(line) for line in run):
        return 0
    alone = between or place == 0 or not lines[place - 1].strip()
    return end if len(run) > 1 or alone else 0


def _joined(parts: list[Part]) -> list[Part]:
    """Without empty stretches; neighbors that are words are one."""
    kept: list[Part] = []
    for part in parts:
        text = part.text.strip("\n")
        if not text.strip() and not part.head:
            continue
        if kept and part.kind == kept[-1].kind == "words":
            kept[-1] = Part("words", f"{kept[-1].text}\n\n{text}")
        elif part.kind == "quoted" and not part.head and kept and _is_introduction_alone(kept[-1]):
            kept[-1] = Part("quoted", text.rstrip(), head=kept[-1].text.strip())
        else:
            kept.append(Part(part.kind, text.rstrip(), part.head, part.who, part.about, part.when))
    return kept


def _is_introduction_alone(part: Part) -> bool:
    return part.kind == "quoted" and not part.head and _is_introduction(part.text.strip())
