"""What a file is, by its content: nothing active passes for a picture or a text, whatever it is called."""

from __future__ import annotations

import pytest

from apps.mail.files.kinds import Danger, kind_of, zip_kind
from tests.mail.files.samples import photo

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (photo(), "jpeg"),
        (photo("PNG"), "png"),
        (photo("WEBP"), "webp"),
        (photo("TIFF"), "tiff"),
        (photo("BMP"), "bmp"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x20ftypM4A \0\0\0\0", "m4a"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0", "mp4"),
        (b"#!AMR\n\x3c\x91", "amr"),
        (b"junk before\n%PDF-1.7\n", "pdf"),
        (bytes(128) + b"DICM" + bytes(40), "dicom"),
        (b"Dear doctor,\r\nmy sugar was <70 & I take 5\xe2\x80\x9310 mg.", "text"),
        ("I can\u2019t sleep".encode("utf-16"), "text"),
        (b"BEGIN:VCARD\r\n", "vcard"),
        (b"<?xml version='1.0'?><ClinicalDocument xmlns='urn:hl7-org:v3'/>", "xml"),
        (b"<?xml version='1.0'?><?xml-stylesheet href='CDA.xsl'?><ClinicalDocument/>", "html"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><p>", "html"),
        (b"<img src=x onerror=alert(1)>", "html"),
        ("<html>".encode("utf-16"), "html"),
        (b"<?xml version='1.0'?><!-- x --><svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"<s:svg xmlns:s='http://www.w3.org/2000/svg'/>", "svg"),
        (b"MZ\x90\0\x03", "program"),
        (b"\x7fELF\x02", "program"),
        (b"#!/bin/sh\nrm -rf /\n", "script"),
        (b"L\0\0\0\x01\x14\x02\0" + bytes(70), "shortcut"),
        (OLE, "office_old"),
        (OLE + "_VBA_PROJECT".encode("utf-16-le"), "office_macros"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "office_sealed"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQE", "pgp"),
        (b"\x30\x82\x01\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0", "smime"),
        (b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0", "smime_signed"),
        (bytes(range(256)), "unknown"),
        (b"", "empty"),
    ],
)
def test_the_first_bytes_tell(data, code):
    assert kind_of(data, "picture.jpg", "image/jpeg").code == code


@pytest.mark.parametrize(
    "name", ["run.js", "a.HTA", "results.pdf.lnk", "x.ps1", "x.vbs ", "page.html", "macro.docm", "y.scr."]
)
def test_a_name_can_only_make_it_more_dangerous(name):
    assert kind_of(b"var x = 1;", name).danger is Danger.ACTIVE
    assert kind_of(b"MZ\x90", "photo.jpg").danger is Danger.ACTIVE
    assert kind_of(photo(), name).code == "jpeg"


def test_an_office_document_is_told_by_what_is_in_it():
    office = ["[Content_Types].xml", "word/document.xml"]
    assert zip_kind(office) == "docx"
    assert zip_kind([*office, "word/vbaProject.bin"]) == "office_macros"
    assert zip_kind(["[Content_Types].xml", "xl/workbook.xml", "xl/macrosheets/sheet1.xml"]) == "office_macros"
    assert zip_kind(["META-INF/manifest.xml", "content.xml", "Basic/Standard/Module1.xml"]) == "office_macros"
    assert zip_kind(["META-INF/MANIFEST.MF", "a.class"]) == "program"
    assert zip_kind(["photo.jpg"]) == "zip"
