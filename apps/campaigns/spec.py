"""What a campaign is, as JSON and as a frozen value. Pure; errors say what to do.

    {"segment": "Due for a flu shot", "exclude": ["Staff"], "template": "Flu shot", "brand": null,
     "purpose": "treatment", "remuneration": "none", "description": ""}

``"everybody": true`` takes the place of ``segment``. ``remuneration`` answers whether somebody pays us for this
message: ``none``, ``paid`` (45 CFR 164.501: then it is marketing) or ``refill_cost`` (a reminder about a drug
currently prescribed, paid no more than its cost: then ``drug`` and ``cost_statement`` are asked).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from apps.core.errors import Refused
from apps.core.purposes import Purpose

PURPOSES = tuple(purpose for purpose in Purpose if purpose is not Purpose.ACCOUNT)
REMUNERATION = {
    "none": "Nobody pays us for this message",
    "paid": "We are paid, directly or indirectly",
    "refill_cost": "Paid no more than the cost of a refill reminder",
}
#: Purposes that may be used without a segment of consenting people, and what each is for, in a sentence.
ABOUT = {
    Purpose.TREATMENT: "Care of the person: reminders, results, follow-up. Needs no consent.",
    Purpose.OPERATIONS: "Running the clinic: surveys, notices, changes of hours. Needs no consent.",
    Purpose.PAYMENT: "Bills, coverage and balances. Needs no consent.",
    Purpose.MARKETING: "Encourages to buy or use something. Only to people who signed an authorization.",
    Purpose.FUNDRAISING: "Asks for donations. Never to people who opted out.",
    Purpose.B2B: "To business contacts. Never to patients.",
}
LONGEST_NAME = 120
_KEYS = frozenset(
    {
        "segment",
        "everybody",
        "exclude",
        "template",
        "brand",
        "purpose",
        "remuneration",
        "drug",
        "cost_statement",
        "description",
    }
)


@dataclass(frozen=True, repr=False)
class Spec:
    """A campaign's content and audience by name; empty where nothing was chosen yet."""

    segment: str = ""
    everybody: bool = False
    exclude: tuple[str, ...] = field(default=())
    template: str = ""
    brand: str = ""
    purpose: str = ""
    remuneration: str = ""
    drug: str = ""
    cost_statement: bool = False
    description: str = ""

    def as_json(self) -> dict[str, Any]:
        """The form that is sealed and exported."""
        return {
            "segment": self.segment or None,
            "everybody": self.everybody,
            "exclude": list(self.exclude),
            "template": self.template or None,
            "brand": self.brand or None,
            "purpose": self.purpose or None,
            "remuneration": self.remuneration or None,
            "drug": self.drug,
            "cost_statement": self.cost_statement,
            "description": self.description,
        }


def parse(data: object) -> Spec:
    """Read a spec. Raises Refused for a part that cannot be used; what is missing is told by ``missing``."""
    if not isinstance(data, dict):
        raise Refused(
            "campaign_file.not_an_object",
            "A campaign is a JSON object with segment, template, purpose and remuneration.",
        )
    if unknown := sorted(set(data) - _KEYS):
        raise Refused(
            "campaign_file.part_unknown",
            f"“{unknown[0][:40]}” is not a part of a campaign. Known are {', '.join(sorted(_KEYS))}.",
        )
    exclude = data.get("exclude") or []
    if not isinstance(exclude, list) or not all(isinstance(name, str) and name.strip() for name in exclude):
        raise Refused("campaign_file.exclude_not_a_list", "“exclude” is a list of names of segments.")
    everybody = data.get("everybody") or False
    if not isinstance(everybody, bool) or not isinstance(data.get("cost_statement") or False, bool):
        raise Refused("campaign_file.not_true_or_false", "“everybody” and “cost_statement” are true or false.")
    purpose, remuneration = _text(data, "purpose"), _text(data, "remuneration")
    if purpose and purpose not in {item.value for item in PURPOSES}:
        raise Refused(
            "campaign_file.purpose_unknown", f"“purpose” is one of {', '.join(item.value for item in PURPOSES)}."
        )
    if remuneration and remuneration not in REMUNERATION:
        raise Refused("campaign_file.remuneration_unknown", f"“remuneration” is one of {', '.join(REMUNERATION)}.")
    segment = _text(data, "segment")
    if everybody and segment:
        raise Refused("campaign.audience_twice", "Choose a segment or everybody, not both.")
    names = tuple(dict.fromkeys(" ".join(name.split()) for name in exclude))
    if segment and segment in names:
        raise Refused("campaign.excludes_itself", "The segment cannot exclude itself: nobody would be left.")
    return Spec(
        segment=segment,
        everybody=everybody,
        exclude=names,
        template=_text(data, "template"),
        brand=_text(data, "brand"),
        purpose=purpose,
        remuneration=remuneration,
        drug=_text(data, "drug"),
        cost_statement=bool(data.get("cost_statement")),
        description=_text(data, "description", 500),
    )


def _text(data: dict[str, Any], name: str, longest: int = LONGEST_NAME) -> str:
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > longest:
        raise Refused("campaign_file.text_length", f"“{name}” is a text of at most {longest} characters.")
    return " ".join(value.split())


def missing(spec: Spec) -> list[tuple[str, str]]:
    """What stands in the way of asking for approval: (step of the wizard, sentence). Empty when complete.

    B-181: no campaign goes without a classification, an answer about remuneration and, for the refill
    exception (45 CFR 164.501, marketing (2)(i)), the drug and the statement about cost.
    """
    found: list[tuple[str, str]] = []
    if not spec.segment and not spec.everybody:
        found.append(("audience", "Choose a segment, or everybody."))
    if not spec.template:
        found.append(("message", "Choose a template."))
    if not spec.purpose:
        found.append(("purpose", "Choose the purpose of this message."))
    if not spec.remuneration:
        found.append(("purpose", "Answer whether anybody pays for this message."))
    paid = spec.remuneration == "paid"
    if paid and spec.purpose and spec.purpose not in (Purpose.MARKETING, Purpose.B2B):
        found.append(("purpose", "A message that somebody pays for is marketing: choose Marketing with authorization."))
    if spec.remuneration == "refill_cost":
        if spec.purpose and spec.purpose != Purpose.TREATMENT:
            found.append(("purpose", "The refill exception holds for treatment only: choose Treatment."))
        if not spec.drug:
            found.append(("purpose", "Name the drug that is currently prescribed."))
        if not spec.cost_statement:
            found.append(("purpose", "Confirm that the payment covers no more than the cost of the message."))
    return found
