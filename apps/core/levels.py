"""Sensitivity levels of data and of messages."""

from enum import IntEnum


class Level(IntEnum):
    """How much harm disclosure does. Being a patient is itself HEALTH."""

    PUBLIC = 0
    IDENTIFIER = 1
    HEALTH = 2
    PROTECTED = 3  # substance use, mental health, reproductive health, HIV

    @property
    def word(self) -> str:
        return ("Public", "Identifier", "Health", "Protected")[self]
