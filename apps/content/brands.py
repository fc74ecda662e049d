"""What a brand contributes to a message: the same for every recipient, so it becomes literal bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.content.fields import CATALOG, MergeField

COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")


@dataclass(frozen=True, slots=True)
class BrandFacts:
    """Sender and look. Colors are ``#rrggbb``; `logo` is an asset name; `asset_base` an absolute URL ending
    in "/".

    `portal` is the address of the portal as a person would type it, without scheme; `portal_url` the same as a link.
    `own` are the merge fields of what the organization declared itself: labs, and attributes of its people.
    """

    name: str
    from_name: str
    from_address: str
    reply_to: str = ""
    postal_address: str = ""
    phone: str = ""
    primary: str = "#0b5cad"
    page: str = "#f4f6f9"
    logo: str = ""
    portal: str = ""
    asset_base: str = ""
    own: tuple[MergeField, ...] = ()
    portal_url: str = ""

    def catalog(self) -> dict[str, MergeField]:
        """The merge fields a template of this installation may use."""
        return {**CATALOG, **{field.name: field for field in self.own}}

    def constants(self) -> dict[str, str]:
        """The fields a template may name under ``clinic``."""
        return {
            "clinic.name": self.name,
            "clinic.phone": self.phone,
            "clinic.postal_address": self.postal_address,
            "clinic.portal": self.portal,
            "clinic.portal_url": self.portal_url or (f"https://{self.portal}/" if self.portal else ""),
        }

    def asset(self, reference: str) -> str:
        """The absolute URL of ``asset:NAME``; other references are returned as they are."""
        if reference.startswith("asset:"):
            return self.asset_base + reference.removeprefix("asset:")
        return reference


SAMPLE = BrandFacts(
    name="Carelane Clinic",
    from_name="Carelane Clinic",
    from_address="hello@clinic.example.test",
    reply_to="",
    postal_address="1 Main Street, Lexington, KY 40507",
    phone="555-0100",
    portal="portal.clinic.example.test",
    asset_base="https://portal.clinic.example.test/i/",
)
"""An invented brand, for previews before one is set up and for tests."""


def luminance(color: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2), 0 to 1."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    """Contrast ratio of two colors (WCAG 2.2), 1 to 21."""
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def ink_on(color: str) -> str:
    """White or near-black, whichever reads better on `color`."""
    return "#ffffff" if contrast("#ffffff", color) >= contrast("#1b2430", color) else "#1b2430"
