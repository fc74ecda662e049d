"""Legal purposes of a message (45 CFR 164.501, 164.506, 164.508, 164.514(f); 15 U.S.C. 7702)."""

from enum import StrEnum


class Purpose(StrEnum):
    """Why a message is sent. It decides which consent it needs and which opt-out stops it."""

    TREATMENT = "treatment"
    OPERATIONS = "operations"
    PAYMENT = "payment"
    MARKETING = "marketing"
    FUNDRAISING = "fundraising"
    B2B = "b2b"
    ACCOUNT = "account"

    @property
    def word(self) -> str:
        return _WORDS[self]

    @property
    def needs_authorization(self) -> bool:
        """Marketing with health information needs a signed authorization (45 CFR 164.508(a)(3))."""
        return self is Purpose.MARKETING

    @property
    def survives_unsubscribe(self) -> bool:
        """An unsubscribe stops everything but treatment and account mail."""
        return self in (Purpose.TREATMENT, Purpose.ACCOUNT)

    @property
    def commercial(self) -> bool:
        """Carries the CAN-SPAM duties: opt-out and postal address."""
        return self in (Purpose.MARKETING, Purpose.FUNDRAISING, Purpose.B2B)


_WORDS = {
    Purpose.TREATMENT: "Treatment",
    Purpose.OPERATIONS: "Health care operations",
    Purpose.PAYMENT: "Payment",
    Purpose.MARKETING: "Marketing with authorization",
    Purpose.FUNDRAISING: "Fundraising",
    Purpose.B2B: "Business to business",
    Purpose.ACCOUNT: "Account",
}
