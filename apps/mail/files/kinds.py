"""What a file is, by its first bytes: pure. Its name and the sender's word for it can only make it more dangerous.

An own table: what counts here is not how many of a thousand formats get a name, but that nothing active passes for a
picture or a text. Libraries were tried (puremagic 1.30 knows no HTML without an XML head, no script, and gives a
JPEG a third of a point): they guess, and this decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Danger(StrEnum):
    """What opening it on a computer of the clinic may do."""

    NONE = ""
    ACTIVE = "active"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Kind:
    """A sort of file: code, its name in words, the ending and type it is handed out with, and what to expect of it."""

    code: str
    words: str
    ending: str = "bin"
    media_type: str = "application/octet-stream"
    danger: Danger = Danger.NONE
    picture: bool = False
    container: bool = False


def _kinds(*kinds: Kind) -> dict[str, Kind]:
    return {kind.code: kind for kind in kinds}


_ACTIVE = Danger.ACTIVE
KINDS = _kinds(
    Kind("jpeg", "JPEG picture", "jpg", "image/jpeg", picture=True),
    Kind("png", "PNG picture", "png", "image/png", picture=True),
    Kind("gif", "GIF picture", "gif", "image/gif", picture=True),
    Kind("webp", "WebP picture", "webp", "image/webp", picture=True),
    Kind("tiff", "TIFF picture or fax", "tif", "image/tiff", picture=True),
    Kind("heic", "HEIC picture", "heic", "image/heic", picture=True),
    Kind("avif", "AVIF picture", "avif", "image/avif", picture=True),
    Kind("bmp", "Bitmap picture", "bmp", "image/bmp", picture=True),
    Kind("dicom", "Medical image (DICOM)", "dcm", "application/dicom"),
    Kind("pdf", "PDF", "pdf", "application/pdf"),
    Kind("text", "Text", "txt", "text/plain; charset=utf-8"),
    Kind("xml", "XML", "xml"),
    Kind("rtf", "Rich text", "rtf"),
    Kind("vcard", "Address card", "vcf"),
    Kind("calendar", "Calendar entry", "ics"),
    Kind("docx", "Word document", "docx"),
    Kind("xlsx", "Excel workbook", "xlsx"),
    Kind("pptx", "PowerPoint slides", "pptx"),
    Kind("odf", "OpenDocument file", "odt"),
    Kind("epub", "E-book", "epub"),
    Kind("audio", "Sound recording", "audio"),
    Kind("mp3", "Sound recording (MP3)", "mp3", "audio/mpeg"),
    Kind("wav", "Sound recording (WAV)", "wav", "audio/wav"),
    Kind("ogg", "Sound recording (Ogg)", "ogg", "audio/ogg"),
    Kind("m4a", "Sound recording (M4A)", "m4a", "audio/mp4"),
    Kind("amr", "Sound recording (AMR)", "amr", "audio/amr"),
    Kind("mp4", "Video", "mp4", "video/mp4"),
    Kind("webm", "Video (WebM)", "webm", "video/webm"),
    Kind("avi", "Video (AVI)", "avi", "video/x-msvideo"),
    Kind("letter", "Forwarded letter", "eml", container=True),
    Kind("tnef", "Outlook wrapping (winmail.dat)", "dat", container=True),
    Kind("zip", "ZIP archive", "zip", container=True),
    Kind("archive", "Archive", "archive", danger=Danger.UNKNOWN),
    Kind("pgp", "Encrypted with PGP", "pgp"),
    Kind("pgp_signature", "Signature (PGP)", "asc"),
    Kind("pgp_key", "Public key (PGP)", "asc"),
    Kind("smime", "Encrypted with S/MIME", "p7m"),
    Kind("smime_signed", "Signed with S/MIME", "p7m"),
    Kind("smime_signature", "Signature (S/MIME)", "p7s"),
    Kind("office_sealed", "Office document with a password", "office"),
    Kind("office_old", "Old Office document", "office", danger=_ACTIVE),
    Kind("office_macros", "Office document with macros", "office", danger=_ACTIVE),
    Kind("html", "Web page", "html", danger=_ACTIVE),
    Kind("svg", "Drawing that may run scripts (SVG)", "svg", danger=_ACTIVE),
    Kind("program", "Program", "program", danger=_ACTIVE),
    Kind("script", "Script", "script", danger=_ACTIVE),
    Kind("disk", "Disk image", "disk", danger=_ACTIVE),
    Kind("shortcut", "Shortcut", "shortcut", danger=_ACTIVE),
    Kind("unknown", "Unknown kind of file", "bin", danger=Danger.UNKNOWN),
    Kind("empty", "Empty file", "bin"),
)

# Where one kind has several endings, the sender's is kept if it is one of these.
_ENDINGS = {
    "office_old": {"doc", "xls", "ppt", "msg", "pub", "vsd"},
    "office_macros": {"doc", "xls", "ppt", "docm", "xlsm", "pptm", "xlsb", "odt", "ods"},
    "office_sealed": {"docx", "xlsx", "pptx", "doc", "xls", "ppt"},
    "odf": {"odt", "ods", "odp", "odg"},
    "archive": {"7z", "rar", "gz", "tgz", "tar", "bz2", "xz", "zst", "cab"},
    "audio": {"flac"},
    "mp4": {"mov", "m4v", "3gp", "3g2"},
    "text": {"csv", "tsv", "md", "hl7", "json"},
    "smime": {"p7m"},
}

# Endings by which Windows, macOS or Office runs what has no mark of its own in its first bytes.
_RUN_BY_NAME = re.compile(
    r"\.(?:exe|com|scr|pif|bat|cmd|ps1|psm1|vbs?|vbe|jse?|mjs|wsf|wsh|ws|hta|lnk|url|scf|reg|inf|cpl|msi|msp|msc|chm|hlp|jar|jnlp"
    r"|application|gadget|appref-ms|library-ms|settingcontent-ms|iso|img|vhdx?|one|xll|xla|slk|iqy|dotm|docm|xlsm|xltm|xlam|pptm"
    r"|potm|ppam|ppsm|sldm|html?|xhtml|shtml|mht|mhtml|svgz?|swf|php|py|sh|command|app|dmg|pkg|deb|rpm|apk|desktop)\s*\.?$",
    re.IGNORECASE,
)

_SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"{\\rtf", "rtf"),
    (b"\x78\x9f\x3e\x22", "tnef"),
    (b"MZ", "program"),
    (b"\x7fELF", "program"),
    (b"\xca\xfe\xba\xbe", "program"),
    (b"\xfe\xed\xfa\xce", "program"),
    (b"\xfe\xed\xfa\xcf", "program"),
    (b"\xce\xfa\xed\xfe", "program"),
    (b"\xcf\xfa\xed\xfe", "program"),
    (b"dex\n", "program"),
    (b"\0asm", "program"),
    (b"ITSF", "program"),
    (b"CWS", "program"),
    (b"FWS", "program"),
    (b"ZWS", "program"),
    (b"#!AMR", "amr"),
    (b"#!", "script"),
    (b"L\0\0\0\x01\x14\x02\0", "shortcut"),
    (b"[InternetShortcut]", "shortcut"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "script"),  # OneNote: carries whatever its pages hide
    (b"vhdxfile", "disk"),
    (b"conectix", "disk"),
    (b"7z\xbc\xaf\x27\x1c", "archive"),
    (b"Rar!\x1a\x07", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"BZh", "archive"),
    (b"\xfd7zXZ\0", "archive"),
    (b"\x28\xb5\x2f\xfd", "archive"),
    (b"MSCF", "archive"),
    (b"ID3", "mp3"),
    (b"OggS", "ogg"),
    (b"fLaC", "audio"),
    (b"\x1a\x45\xdf\xa3", "webm"),
    (b"PK\x05\x06", "zip"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"heif"), "heic"),
    **dict.fromkeys((b"avif", b"avis"), "avif"),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P "), "m4a"),
}
_MARKUP = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|object|embed|svg|meta|style|form|img|a\s|table|div|p[\s>]|br|font|h\d)",
    re.IGNORECASE,
)
_LIVELY = re.compile(rb"<script|<iframe|javascript:|\son[a-z]+\s*=|1999/xhtml|<!entity|xml-stylesheet", re.IGNORECASE)
_UTF16 = re.compile(rb"\A(?:\xff\xfe|\xfe\xff)")


def kind_of(data: bytes, name: str = "", declared: str = "") -> Kind:
    """The kind of a file; ``name`` and ``declared`` (a media type) are the sender's word.

    A container's content is looked at elsewhere: a ZIP that is an Office document is told by ``zip_kind``.
    """
    kind = KINDS[_by_content(data, declared.lower())]
    if kind.danger is not Danger.ACTIVE and _RUN_BY_NAME.search(name.strip()) and not kind.picture:
        # What a PDF or an archive is called changes nothing for the one who gets it under a name of ours.
        return kind if kind.code in {"pdf", "zip"} else KINDS["script"]
    return kind


def ending_of(kind: Kind, name: str) -> str:
    """The ending under which a file is handed out: that of its kind; of several, the sender's."""
    said = name.rpartition(".")[2].strip().lower()
    return said if said in _ENDINGS.get(kind.code, ()) else kind.ending


def zip_kind(names: list[str]) -> str:
    """What a ZIP with these members is: an Office document, a program, or an archive."""
    inside = {name.replace("\\", "/").lower() for name in names}
    if any(name.endswith(("vbaproject.bin", "activex1.bin")) or "macrosheets/" in name for name in inside):
        return "office_macros"
    if "[content_types].xml" in inside:
        for folder, code in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")):
            if any(name.startswith(folder) for name in inside):
                return code
    if "meta-inf/manifest.mf" in inside or "androidmanifest.xml" in inside:
        return "program"
    if "meta-inf/container.xml" in inside:
        return "epub"
    if "meta-inf/manifest.xml" in inside and "content.xml" in inside:
        return "office_macros" if any(name.startswith(("basic/", "scripts/")) for name in inside) else "odf"
    return "zip"


def _by_content(data: bytes, declared: str) -> str:
    if not data:
        return "empty"
    begin = data[:4096]
    for sign, code in _SIGNS:
        if begin.startswith(sign):
            return code
    if begin.startswith(b"PK\x03\x04"):
        return "zip"
    if begin.startswith(_OLE):
        return _ole(data)
    if begin[:4] == b"RIFF":
        return {b"WEBP": "webp", b"WAVE": "wav", b"AVI ": "avi"}.get(begin[8:12], "unknown")
    if begin[4:8] == b"ftyp":
        return _BRANDS.get(begin[8:12], "mp4")
    if begin[:2] == b"BM" and begin[6:10] == b"\0\0\0\0":
        return "bmp"
    if begin[128:132] == b"DICM":
        return "dicom"
    if data[32769:32774] == b"CD001":
        return "disk"
    if data[257:262] == b"ustar":
        return "archive"
    if re.match(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]", begin):
        return "mp3"
    # Readers look for it within the first kilobyte.
    if b"%PDF-" in begin[:1024]:
        return "pdf"
    return _sealed(begin, declared) or _written(data)


def _ole(data: bytes) -> str:
    """A file of old Office or Outlook, by the names in its directory."""

    def has(*names: str) -> bool:
        return any(name.encode("utf-16-le") in data for name in names)

    if has("EncryptedPackage"):
        return "office_sealed"
    if has("_VBA_PROJECT", "Macros", "VBA"):
        return "office_macros"
    return "office_old"


def _sealed(begin: bytes, declared: str) -> str:
    text = begin.lstrip()
    if text.startswith(b"-----BEGIN PGP MESSAGE-----"):
        return "pgp"
    if text.startswith(b"-----BEGIN PGP PUBLIC KEY BLOCK-----"):
        return "pgp_key"
    if text.startswith(b"-----BEGIN PGP SIGNATURE-----") or declared == "application/pgp-signature":
        return "pgp_signature"
    if declared.endswith("pkcs7-signature"):
        return "smime_signature"
    # A SEQUENCE that begins with the OID of enveloped data, authenticated enveloped data, or signed data (RFC 5652).
    if begin[:1] == b"\x30":
        for number, code in (
            (b"\x01\x07\x03", "smime"),
            (b"\x01\x09\x10\x01\x17", "smime"),
            (b"\x01\x07\x02", "smime_signed"),
        ):
            if b"\x06" in begin[:20] and b"\x2a\x86\x48\x86\xf7\x0d" + number in begin[:24]:
                return code
    return ""


def _written(data: bytes) -> str:
    """Text, and what kind of text: what a browser or a shell would run is not text."""
    if _UTF16.match(data):
        data = data.decode("utf-16", "replace").encode()
    elif b"\0" in data[:65536]:
        return "unknown"
    begin = data.removeprefix(b"\xef\xbb\xbf").lstrip()
    upper = begin[:40].upper()
    if upper.startswith(b"BEGIN:VCARD"):
        return "vcard"
    if upper.startswith(b"BEGIN:VCALENDAR"):
        return "calendar"
    if re.search(rb"(?is)\A.{0,4096}?<(?:[a-z]+:)?svg[\s>]", begin):
        return "svg"
    if begin.startswith(b"<?xml"):
        return "html" if _LIVELY.search(data) or _MARKUP.search(begin[:1024]) else "xml"
    if _MARKUP.search(begin[:1024]) or (begin.startswith(b"<") and _LIVELY.search(data)):
        return "html"
    odd = sum(1 for byte in data[:65536] if byte < 32 and byte not in (9, 10, 12, 13, 27))
    return "unknown" if odd > len(data[:65536]) // 200 else "text"
