"""Languages of people: every code and name of ISO 639 becomes one code, and every code a name. Pure.

Who does not speak English must not be the one who is missing, so what lists write is understood: codes of two and
three letters (ISO 639-1, -2/B, -2/T, -3), tags (BCP 47), names in English, in Spanish and in the language itself, the
names that clinics use (Mandarin, Farsi, Creole). A code has two letters where ISO 639-1 has one, else three; region and
script are not kept. Names come from CLDR (Babel) and ISO 639-3 (python-iso639).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

from babel import Locale, localedata

from apps.contacts.cell_text import BadValue, clean, says_nothing

_OFFERED = """
aa ab ace ach af ak aii am an apw apc ar arc ase as av ay az ba bal ban be bem ber bg bho bi bik bm bn bo br bs ca ceb
ch chk chr chm ckb cmn cnh co cop cr crs cs cu cv cy da de din dv dz ee el en eo es et eu ewo fa ff fi fil fj fo fon fr
frp fur fy ga gaa gan gd gil gl gn gsw gu gv ha hak haw he hi hil hmn ho hr hsn ht hu hy hz ia iba ibb id ie ig ii ik
ilo ilk io is it iu ium ja jam jv ka kaa kac kam kar kbd kea kg ki kj kk kl km kmr kn ko kok kos kpe kr kri krc ks ksw
ku kv kw ky la lb lg li lij ln lo loz lt lu lua luo lus lv mad mag mai mam man mas men mfe mg mh mi mk ml mn mni mnw
mos mr ms mt mus mwr mxb my na nan nah nap nb nd ne new ng niu nl nn no nr nso nv ny oc oj om or os osa pa pag pam pap
pau pi pl pon prs ps pt qu quc quz rhg rm rmy rn ro ru rup rw rue sa sah sat sc scn sco sd se sg sgn shn si sid sk sl sm
sn so sq sr sa ss st su sv sw swb syr szl ta te tem tet tg th ti tig tiv tk tl tn to tpi tr ts tt tum tvl tw ty tyv tzm
udm ug uk umb ur uz ve vec vi vo wa wal war wo wuu xh yap yi yo yrl yua yue za zap zh zu zza kek kjb ctu acf aiw prk
""".split()  # noqa: SIM905 - easier to read and to add to

_NAMES = {
    "ase": "American Sign Language", "bn": "Bengali", "cmn": "Chinese (Mandarin)", "fa": "Persian (Farsi)",
    "fil": "Filipino", "hmn": "Hmong", "ht": "Haitian Creole", "kar": "Karen", "ksw": "S’gaw Karen", "man": "Mandingo",
    "nah": "Nahuatl", "prs": "Dari", "quc": "K’iche’", "rhg": "Rohingya", "sgn": "Sign language",
    "mam": "Mam", "kek": "Q’eqchi’", "kjb": "Q’anjob’al", "ber": "Berber", "apc": "Levantine Arabic",
    "cnh": "Hakha Chin", "din": "Dinka", "yue": "Chinese (Cantonese)", "zza": "Zazaki",
    "ky": "Kyrgyz", "or": "Odia", "ks": "Kashmiri",
}  # fmt: skip
"""Names that people of clinics know better than CLDR's, and groups of languages that ISO 639-3 leaves out."""

_RARE = {
    "acf": "Saint Lucian Creole French", "aii": "Assyrian Neo-Aramaic", "aiw": "Aari", "ctu": "Chol", "ilk": "Ilongot",
    "ium": "Iu Mien", "kmr": "Northern Kurdish", "mnw": "Mon", "mxb": "Tezoatlán Mixtec", "prk": "Parauk",
    "quz": "Cusco Quechua", "rmy": "Vlax Romani", "yua": "Yucateco",
}  # fmt: skip
"""ISO 639-3's names of what forms offer and CLDR does not name: a process that starts need not load all of the list."""

_ALIASES = {
    "ar": "arab|arabic modern standard|modern standard arabic",
    "ase": "asl|american sign|american sign lang|sign american|us sign language|deaf asl",
    "bn": "bangla|bengali bangla|bangladeshi",
    "bs": "bosnian serbo croatian",
    "ckb": "sorani|kurdish sorani|central kurdish",
    "cmn": "mandarin|chinese mandarin|mandarin chinese|putonghua|guoyu|huayu",
    "cdo": "fuzhounese|fuzhou|foochow|fuchow|fukchow",
    "cnh": "chin|chin hakha|hakha|haka chin|burmese chin",
    "de": "deutsch",
    "el": "greek modern",
    "en": "eng|inglesa|anglais|american|american english|us english|english us|engl|englsh|e",
    "es": "span|spn|sp|castilian|castellano|espanol|hispanic|spanish latin american|latin american spanish|mexican"
    "|spansh|s",
    "fa": "farsi|persian|farsi persian|persian farsi|iranian",
    "fil": "pilipino|philippine",
    "ff": "fulani|fulfulde|fula fulani|peul|peulh",
    "fr": "francais|cajun",
    "gul": "gullah|geechee|gullah geechee",
    "he": "ivrit",
    "hmn": "mong|hmong miao",
    "ht": "creole|haitian|haitian french|haitian creole french|french creole|kreyol|kreyol ayisyen|creole haitian"
    "|creole french|french creole haitian|criollo haitiano",
    "hy": "armenian eastern|armenian western",
    "ilo": "ilokano|iloko",
    "ium": "mien|iu mien|mienh",
    "jam": "patois|jamaican|jamaican patois|jamaican creole|patwa",
    "kar": "karen languages",
    "kea": "cape verdean|cape verdean creole|kabuverdianu|crioulo|kriolu|portuguese creole|creole portuguese",
    "km": "cambodian|cambodian khmer|khmer cambodian",
    "kmr": "kurmanji|kurdish kurmanji|northern kurdish|bahdini|badini",
    "kri": "krio",
    "ku": "kurd",
    "ky": "kirghiz",
    "kyu": "kayah|karenni|western kayah",
    "lo": "laotian",
    "man": "mandinko",
    "mh": "marshallese|ebon",
    "mxb": "mixtec|mixteco",
    "yua": "mayan|yucatec maya|maya",
    "zap": "zapoteco|zapotec",
    "my": "myanmar",
    "nan": "hokkien|taiwanese|min nan|fukienese|fujianese|chinese taiwanese|hoklo|teochew|chaozhou",
    "nb": "bokmal",
    "ne": "nepalese|nepali bhutanese",
    "nl": "flemish",
    "nv": "dine",
    "ny": "chewa|chichewa",
    "om": "afaan oromo|oromiffa|galla",
    "pa": "panjabi|punjabi indian",
    "pdc": "pennsylvania dutch|pa dutch|amish|dutch pennsylvania|pennsylvania german",
    "pl": "polski",
    "prs": "dari persian|afghan persian|afghan|dari afghan",
    "ps": "pashtu|pushto|pushtu",
    "pt": "brazilian|brasilian|brasileiro",
    "qu": "quichua|kichwa",
    "quc": "quiche|kiche|k iche",
    "rhg": "ruaingga",
    "rn": "kirundi",
    "ro": "rumanian|roumanian|moldavian|moldovan|mo",
    "sgn": "sign|sign language|signing|sign lang|sign language nos|deaf|sign languages|lengua de senas",
    "si": "singhalese",
    "so": "maay maay|somalian|mai mai|maay|af maay|may may|somali maay|af somali",
    "sr": "serbo croatian|serbocroatian|croatian serbian|sh|hbs",
    "sw": "kiswahili|swahili kiswahili",
    "syr": "assyrian|chaldean|syriac",
    "th": "siamese",
    "ti": "tigrigna|tigrina",
    "tl": "tagalog filipino|filipino tagalog",
    "tw": "akan twi",
    "uk": "ukrainian ukraine",
    "vi": "viet|vietnam",
    "yue": "cantonese|chinese cantonese|cantonese chinese|yue chinese|toishanese|taishanese|guangdonghua",
    "zh": "chinese simplified|chinese traditional|simplified chinese|traditional chinese|hanyu|zhongwen",
}  # fmt: skip
_NOT_KNOWN = frozenset(
    "other|other language|otro|otra|otro idioma|others|unlisted|undetermined|und|mis|mul|zxx|"  # noqa: SIM905
    "oth|non english|"
    "not english|multiple|multiple languages|no linguistic content|uncoded languages|none of the above|any|"
    "non verbal|nonverbal|nonspecific|interpreter needed|0|9|99|999".split("|")
)
_REGIONS = frozenset(
    "brazilian|mexican|european|canadian|american|british|modern|simplified|traditional|"  # noqa: SIM905
    "castilian|swiss|austrian|"
    "standard|egyptian|iraqi|syrian|lebanese|moroccan|gulf|sudanese|palestinian|jordanian|yemeni|iranian|caribbean|"
    "colombian|cuban|dominican|puerto|rican|guatemalan|salvadoran|argentinian|latin|us|uk|indian|pakistani|written|"
    "spoken|primary|preferred".split("|")
)
_FILLERS = re.compile(
    r"\b(?:language|languages|lang|idioma|lengua|speaking|speaker|speaks|dialect|only|primary|preferred)\b"
)
_TAG = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]{2,8})*", re.IGNORECASE)
_BETWEEN = re.compile(r"\s*[;/,|&()\[\]:+]\s*|\s+[-–—]+\s+|\s+(?:or|and|y|o|e)\s+", re.IGNORECASE)
_WITHIN = {"cmn": "zh", "yue": "zh", "nan": "zh", "hak": "zh", "wuu": "zh", "ckb": "ku", "kmr": "ku", "prs": "fa",
           "ksw": "kar", "ht": "fr", "kea": "pt", "ase": "sgn", "apc": "ar", "fil": "tl", "cnh": "my",
           "tl": "fil", "nb": "no", "nn": "no"}  # fmt: skip
"""Of two languages in one cell, which is the wider: “Chinese - Cantonese” means Cantonese."""


def name_of(code: str) -> str:
    """The English name of a language, or the code itself where nobody knows it."""
    known = _english().get(code) or _RARE.get(code)
    if known is None and code:
        found = _iso().get(code)
        known = found[1] if found else code
    return known or ""


@lru_cache(maxsize=512)
def name_in(code: str, language: str) -> str:
    """The name of a language as a text in ``language`` (en, es) writes it: “Somali”, “somalí”."""
    if language == "es" and (known := Locale("es").languages.get(code)):
        return str(known)
    return name_of(code)


def is_code(code: str) -> bool:
    """Whether this is a code as records hold it."""
    return code in _english() or _iso().get(code, ("",))[0] == code


def offered() -> tuple[tuple[str, str], ...]:
    """(code, name) of the languages that forms offer: English and Spanish first, the others by name."""
    rest = sorted(((code, name_of(code)) for code in set(_OFFERED) - {"en", "es"}), key=lambda pair: pair[1].casefold())
    return (("en", name_of("en")), ("es", name_of("es")), *rest)


def is_common_name(text: str) -> bool:
    """Whether this is the name of a language in English or Spanish, or of clinics; rare languages are not looked up."""
    parts = [_folded(part) for part in (text, *_BETWEEN.split(text))]
    return any(part in _table() for part in parts) or text.lower() in ("en", "es")


def code_of(cell: str) -> str:
    """The code of the language a cell names; "" for one that says that it is not known.

    Raises `BadValue` for what names no language, and for a cell with two: ``rest`` is the first of them then.
    """
    text = clean(cell).strip()
    if not text:
        return ""
    word = _folded(text)
    if word in _NOT_KNOWN or (says_nothing(text) and text not in ("no", "NO", "No", "nan")):
        return ""
    found = _one(text, word)
    if found:
        return found
    parts = [part for part in _BETWEEN.split(text) if part.strip()]
    if len(parts) > 1:
        # "Creole, Haitian" is the catalog's way to write it.
        if turned := _table().get(_folded(" ".join(reversed(parts)))):
            return turned
        codes = list(dict.fromkeys(each for part in parts if (each := _one(part, _folded(part)))))
        narrow = [each for each in codes if not any(_WITHIN.get(other) == each for other in codes if other != each)]
        if codes:
            codes = narrow or codes[:1]
        if len(codes) == 1:
            return codes[0]
        if codes:
            raise BadValue("names several languages: the first was taken", codes[0])
        if all(_folded(part) in _NOT_KNOWN or says_nothing(part) for part in parts):
            return ""
    raise BadValue("is not a language; use its name, or a code such as en or es")


def _one(text: str, word: str) -> str:
    """The code of one name, code or tag, or ""."""
    bare = text.strip()
    if len(bare) <= 3 and bare.isascii():
        # "fur" is the code of Friulian, and "Fur" the name of a language of Sudan.
        named = _of_name(word) if bare.istitle() else ""
        return _clinics().get(word) or named or _code(word) or _of_name(word)
    if found := _table().get(word):
        return found
    if _TAG.fullmatch(bare):
        if bare[0].isupper() and (named := _of_name(word)):
            return named  # Ho-Chunk
        return _of_tag(bare.replace("_", "-").lower().split("-")) or _of_name(word)
    return _of_name(word)


def _of_tag(subtags: list[str]) -> str:
    """The language of a tag of BCP 47; a sign language and an extended language stand behind their group."""
    first, *rest = subtags
    if rest and first == "sgn":
        return "ase" if rest[0] in ("us", "ase") else _code(rest[0]) or "sgn"
    if rest and len(rest[0]) == 3 and rest[0].isalpha() and (inner := _code(rest[0])):
        return inner
    return _code(first)


def _code(code: str) -> str:
    if code in _english():
        return code
    found = _iso().get(code)
    return found[0] if found else ""


def _of_name(word: str) -> str:
    plain = " ".join(_FILLERS.sub(" ", word).split())
    names = _iso_names()
    for candidate in dict.fromkeys((word, plain)):
        if not candidate:
            continue
        if found := _table().get(candidate) or names.get(candidate) or _native().get(candidate):
            return found
    words = plain.split()
    while len(words) > 1 and words[0] in _REGIONS:
        words = words[1:]
        if found := _table().get(" ".join(words)):
            return found
    while len(words) > 1 and words[-1] in _REGIONS:
        words = words[:-1]
        if found := _table().get(" ".join(words)):
            return found
    return ""


def _folded(text: str) -> str:
    """Lower case without accents, punctuation as one space."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join([sign for sign in plain if not (unicodedata.combining(sign) and ord(sign) < 0x370)])
    return " ".join(re.sub(r"[^\w\u0300-\uffff]+|_", " ", plain).split())


@lru_cache(maxsize=1)
def _english() -> dict[str, str]:
    """English names by code: CLDR's, of codes of two letters and of those that have none."""
    names = {code: name for code, name in Locale("en").languages.items() if re.fullmatch("[a-z]{2,3}", code)}
    for other in ("root", "und", "mul", "zxx", "mis", "sh", "mo", "in", "iw", "ji", "jw"):
        names.pop(other, None)
    return {**names, **_NAMES}


@lru_cache(maxsize=1)
def _table() -> dict[str, str]:
    """Folded names in English and Spanish, and those of clinics, to codes."""
    table: dict[str, str] = {}
    for code, name in Locale("es").languages.items():
        if code in _english():
            table[_folded(name)] = code
    for code, name in Locale("en").languages.items():
        if code in _english():
            table[_folded(name)] = code
    for code, name in _NAMES.items():
        table[_folded(name)] = code
    table.update(_clinics())
    table.pop("", None)
    return table


@lru_cache(maxsize=1)
def _clinics() -> dict[str, str]:
    return {word: code for code, words in _ALIASES.items() for word in words.split("|")}


def _living() -> list[Any]:
    """The entries of ISO 639-3 that are in force, without its special codes."""
    # 0.3 s and eight thousand objects: only where a name or code is none of CLDR's.
    import iso639

    return [each for each in iso639.ALL_LANGUAGES if each.status == "A" and each.scope != "S"]


@lru_cache(maxsize=1)
def _iso() -> dict[str, tuple[str, str]]:
    """Every code of ISO 639 to the code that is kept, and its name."""
    found: dict[str, tuple[str, str]] = {}
    for each in _living():
        kept = each.part1 or each.part3
        for code in (each.part3, each.part2b, each.part2t, each.part1):
            if code:
                found[code] = (kept, each.name)
    return found


@lru_cache(maxsize=1)
def _iso_names() -> dict[str, str]:
    """Every name of ISO 639-3, turned ones and others too; living languages and those with short codes win."""
    found: dict[str, tuple[int, str]] = {}
    for each in _living():
        rank = 0 if each.part1 else 1 if each.part2t else 2 if each.type == "L" else 3
        others = [name for other in each.other_names or () for name in (other.print, other.inverted)]
        for place, name in enumerate((each.name, *others)):
            plain = re.sub(r"\s*\([^)]*\)", "", name)
            for word in {_folded(name), _folded(plain)}:
                worth = rank * 2 + (place > 0)
                if word and (word not in found or found[word][0] > worth):
                    found[word] = (worth, each.part1 or each.part3)
    return {word: code for word, (_, code) in found.items()}


_NATIVE_TOO = {
    "zh": "汉语|漢語|普通话|国语|國語|简体中文|繁體中文", "yue": "粵語|粤语|廣東話|广东话",
    "ko": "한국말", "fa": "فارسي",
    "ar": "عربي|عربى", "hi": "हिंदी", "ht": "ayisyen", "hmn": "hmoob|lus hmoob",
}  # fmt: skip


@lru_cache(maxsize=1)
def _native() -> dict[str, str]:
    """What languages call themselves, to codes (CLDR): 0.8 s, for names that are neither English nor Spanish."""
    found: dict[str, str] = {}
    for name in localedata.locale_identifiers():
        if "_" in name or name == "root":
            continue
        own = Locale.parse(name).languages.get(name)
        if own and (code := _code(name)):
            found.setdefault(_folded(own), code)
            for part in re.split(r"[\s()/]+", own):
                if len(part) > 3 and not part.isascii():
                    found.setdefault(_folded(part), code)
    for code, names in _NATIVE_TOO.items():
        for each in names.split("|"):
            found[_folded(each)] = code
    return found


LANGUAGES = offered()
"""What the fields of a person offer; a record may hold any other code of ISO 639 (`is_code`)."""
