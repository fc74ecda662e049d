"""The files of a letter: listed as deep as allowed, taken out one by one, pictures made anew from their pixels."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import Image

from apps.core.strangers.opening import Unopened
from apps.mail.files import opening, tree
from tests.mail.files.samples import HEIC, archive, fax, letter, photo, tnef


def listed(raw: bytes) -> list[tuple[str, str, str]]:
    return [(one.path, one.name, one.kind.code) for one in opening.list_files(raw).files]


def test_files_are_listed_by_content_with_name_and_size():
    raw = letter(
        ("rash.jpg", "image/jpeg", photo()),
        ("result.pdf", "application/octet-stream", b"%PDF-1.4\n"),
        ("photo.jpg", "image/jpeg", b"<script>alert(1)</script>"),
        ("../../etc/pass\u202egpj.exe", "image/jpeg", b"MZ\x90"),
    )
    assert listed(raw) == [
        ("1", "rash.jpg", "jpeg"),
        ("2", "result.pdf", "pdf"),
        ("3", "photo.jpg", "html"),
        ("4", "passgpj.exe", "program"),
    ]
    files = opening.list_files(raw)
    assert files.files[0].size == len(photo())
    assert files.files[1].neutral_name == "attachment-2.pdf"
    assert opening.part(raw, "1") == photo()
    with pytest.raises(Unopened):
        opening.part(raw, "5")


def test_a_name_in_encoded_words_and_one_in_raw_bytes():
    raw = b'Content-Type: application/pdf; name="=?utf-8?q?Befund_M=C3=BCller.pdf?="\r\n\r\n%PDF-1.4\r\n'
    assert listed(raw) == [("1", "Befund M\u00fcller.pdf", "pdf")]


def test_an_archive_is_looked_into_and_its_files_can_be_had():
    packed = archive(rash__jpg=photo(), more__zip=archive(note__txt=b"hello", deep__zip=archive(x__txt=b"x")))
    raw = letter(("photos.zip", "application/zip", packed))
    assert listed(raw) == [
        ("1", "photos.zip", "zip"),
        ("1.1", "rash.jpg", "jpeg"),
        ("1.2", "more.zip", "zip"),
        ("1.2.1", "note.txt", "text"),
        ("1.2.2", "deep.zip", "zip"),
    ]
    assert opening.list_files(raw).one("1.2.2").notes == ("too_deep",)
    assert opening.part(raw, "1.2.1") == b"hello"
    with pytest.raises(Unopened):
        opening.part(raw, "1.2.2.1")


def test_a_bomb_is_listed_and_never_unpacked():
    bomb = archive(a__txt=bytes(40 * 2**20), b__txt=b"hello")
    files = opening.list_files(letter(("bomb.zip", "application/zip", bomb)))
    assert [(one.path, one.notes, one.openable) for one in files.files[1:]] == [
        ("1.1", ("too_large",), False),
        ("1.2", (), True),
    ]


def test_a_bomb_that_lies_about_its_size_stops_at_the_limit():
    bomb = bytearray(archive(a__txt=bytes(40 * 2**20)))
    central = bomb.index(b"PK\x01\x02")
    bomb[central + 24 : central + 28] = struct.pack("<I", 10)
    bomb[22:26] = struct.pack("<I", 10)
    raw = letter(("bomb.zip", "application/zip", bytes(bomb)))
    (_, inside) = opening.list_files(raw).files
    assert not inside.openable


def test_many_files_are_listed_up_to_the_limit():
    packed = archive(**{f"f{n}__txt": b"x" for n in range(tree.COUNT + 50)})
    files = opening.list_files(letter(("many.zip", "application/zip", packed)))
    assert len(files.files) == tree.COUNT
    assert files.one("1").notes == ("too_many",)


def test_a_damaged_archive_and_a_locked_one_cost_only_themselves():
    locked = bytearray(archive(x__txt=b"secret"))
    for start in (locked.index(b"PK\x01\x02") + 8, 6):
        locked[start] |= 1
    raw = letter(
        ("broken.zip", "application/zip", archive(x__txt=b"x")[:40]),
        ("locked.zip", "application/zip", bytes(locked)),
        ("locked.pdf", "application/pdf", b"%PDF-1.4\ntrailer << /Encrypt 7 0 R >>"),
        ("fine.txt", "text/plain", b"fine"),
    )
    files = opening.list_files(raw)
    assert [(one.path, one.notes) for one in files.files] == [
        ("1", ("damaged",)),
        ("2", ()),
        ("2.1", ("password",)),
        ("3", ("password",)),
        ("4", ()),
    ]
    assert opening.part(raw, "4") == b"fine"


def test_outlooks_wrapping_is_unpacked():
    raw = letter(("winmail.dat", "application/ms-tnef", tnef("rash.jpg", photo())))
    assert listed(raw) == [("1", "winmail.dat", "tnef"), ("1.1", "rash.jpg", "jpeg")]
    assert opening.part(raw, "1.1") == photo()
    broken = letter(("winmail.dat", "application/ms-tnef", tnef("rash.jpg", photo())[:60]))
    assert listed(broken)[0] == ("1", "winmail.dat", "tnef")


def test_a_forwarded_letter_is_one_file_with_its_own():
    inner = letter(("lab.pdf", "application/pdf", b"%PDF-1.4"))
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee below\r\n"
    raw += b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--b--\r\n"
    assert listed(raw) == [("1", "", "letter"), ("1.1", "lab.pdf", "pdf")]


@pytest.mark.parametrize(
    ("head", "body", "sealed"),
    [
        (b"Content-Type: multipart/encrypted; protocol=x; boundary=b", b"--b\r\n\r\nVersion: 1\r\n--b--", "pgp"),
        (b"Content-Type: text/plain", b"-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n-----END PGP MESSAGE-----", "pgp"),
        (
            b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data",
            b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0",
            "smime",
        ),
        (b"Content-Type: text/plain", b"Hello", ""),
    ],
)
def test_an_encrypted_letter_is_said_to_be_so(head, body, sealed):
    assert opening.list_files(head + b"\r\n\r\n" + body + b"\r\n").sealed == sealed


def test_a_picture_is_turned_stripped_and_made_anew():
    original = photo(size=(400, 200), turned=True, place=True)
    assert b"PlantedCamera" in original
    shown = opening.picture(original)
    assert b"PlantedCamera" not in shown.data
    with Image.open(io.BytesIO(shown.data)) as image:
        assert (image.size, dict(image.getexif())) == ((200, 400), {})
        # Held upright, what was left is on top.
        red, _, blue = image.getpixel((100, 100))
        assert red > 200 > blue


@pytest.mark.parametrize("form", ["PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_pictures_of_many_forms_are_shown(form):
    with Image.open(io.BytesIO(opening.picture(photo(form)).data)) as image:
        assert (image.format, image.size) == ("JPEG", (40, 20))


def test_what_telephones_send_is_shown():
    assert b"PlantedCamera" in HEIC
    shown = opening.picture(HEIC).data
    assert b"PlantedCamera" not in shown
    with Image.open(io.BytesIO(shown)) as image:
        red, _, blue = image.getpixel((5, 16))
        assert image.size == (64, 32)
        assert red > 200 > blue


def test_a_fax_has_pages_and_gray_of_sixteen_bits_is_spread():
    assert opening.picture(fax(3), page=2).pages == 3
    (listed_fax,) = opening.list_files(letter(("fax.tif", "image/tiff", fax(3)))).files
    assert list(listed_fax.page_numbers) == [1, 2, 3]
    assert tree.tiff_pages(b"II*\0\x08\0\0\0" + bytes(2) + b"\x08\0\0\0") == 1
    assert tree.tiff_pages(b"MM\0*\xff\xff\xff\xff") == 1
    deep = io.BytesIO()
    xray = Image.new("I;16", (20, 10), 1000)
    xray.paste(3000, (0, 0, 10, 10))
    xray.save(deep, "PNG")
    with Image.open(io.BytesIO(opening.picture(deep.getvalue()).data)) as image:
        assert image.getpixel((2, 5))[0] > 240
        assert image.getpixel((17, 5))[0] < 15


def test_what_is_no_picture_and_one_too_large_are_refused():
    huge = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(huge, "PNG")
    for data in (b"\xff\xd8\xff not a picture", photo()[:30], huge.getvalue(), b""):
        with pytest.raises(Unopened):
            opening.picture(data)


@pytest.mark.parametrize(
    "raw", [b"", b"\0" * 100, b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 5000]
)
def test_bytes_that_are_no_letter_list_nothing(raw):
    assert opening.list_files(raw).files == ()
