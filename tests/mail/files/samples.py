"""Letters with things in them, made here: pictures, archives, Outlook's wrapping."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
from email.message import EmailMessage

from PIL import Image


def letter(*files: tuple[str, str, bytes], text: str = "My rash.") -> bytes:
    """A letter with files: (name, media type, bytes)."""
    message = EmailMessage()
    message["From"], message["Subject"] = "Dana <dana@goodmail.test>", "Hello"
    message.set_content(text)
    for name, declared, data in files:
        main, _, sub = declared.partition("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def photo(form: str = "JPEG", *, size: tuple[int, int] = (40, 20), turned: bool = False, place: bool = False) -> bytes:
    """A picture, red on its left and blue on its right half; ``turned``: its camera was held upright."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6
    if place:
        exif[0x010F] = "PlantedCamera"
        exif.get_ifd(0x8825).update({1: "N", 2: (44.0, 58.0, 39.0), 3: "W", 4: (93.0, 15.0, 56.0)})
    out = io.BytesIO()
    image.save(out, form, **({"exif": exif} if turned or place else {}))
    return out.getvalue()


def fax(pages: int) -> bytes:
    """A fax of black and white pages."""
    made = [Image.new("1", (1728, 2200), 1) for _ in range(pages)]
    out = io.BytesIO()
    made[0].save(out, "TIFF", compression="group4", save_all=True, append_images=made[1:])
    return out.getvalue()


def archive(**files: bytes) -> bytes:
    """A ZIP with files; a double underscore in a name stands for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name.replace("__", "."), data)
    return out.getvalue()


def tnef(name: str, data: bytes) -> bytes:
    """Outlook's winmail.dat with one file (MS-OXTNEF)."""

    def attribute(level: int, number: int, value: bytes) -> bytes:
        return struct.pack("<BII", level, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    return b"".join(
        [
            struct.pack("<IH", 0x223E9F78, 1),
            attribute(1, 0x00089006, struct.pack("<I", 0x00010000)),
            attribute(1, 0x00069007, struct.pack("<II", 1252, 0)),
            attribute(2, 0x00069002, struct.pack("<HIHHHI", 1, 0, 0, 0, 0, 0)[:14]),
            attribute(2, 0x00018010, name.encode() + b"\0"),
            attribute(2, 0x0006800F, data),
        ]
    )


# What telephones send: red on its left and blue on its right half, with a camera's name. Made once with pillow-heif,
# because the library of the product reads such pictures and writes none.
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAb5tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "ADRpbG9jAAAAAERAAAIAAQAAAAAB4gABAAAAAAAAAEMAAgAAAAACJQABAAAAAAAAAD4AAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAAA/WlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAA"
    "kAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq"
    "5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xh"
    "cAAAAEAAAAABAAAAIAAAAAEAAAAAAAAAAv///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAA"
    "ABppcmVmAAAAAAAAAA5jZHNjAAIAAQABAAAAiW1kYXQAAAA/KAGvWOb06r//5zu//yo9IfYlF9f/4qvVf1E7T/xhJUktQaE4Q6hT"
    "WRX0Af9f0hC0gX7pJM8cI4fw3erswaIUAAAABkV4aWYAAE1NACoAAAAIAAIBDwACAAAADgAAACYBEgADAAAAAQAGAAAAAAAAUGxh"
    "bnRlZENhbWVyYQA="
)
