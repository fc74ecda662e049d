"""Terms of code systems as people read them. Pure: what is stored stays as it came.

A fully specified name of SNOMED CT ends with its semantic tag ("Diabetes mellitus type 2 (disorder)"), which tells
concepts apart inside the system and says nothing to whoever reads a record. Lists of vaccines come with runs of
blanks where commas once stood.
"""

from __future__ import annotations

import re

# The tags of SNOMED CT (Editorial Guide, "Semantic tag"). Other words in brackets belong to the term.
_TAGS = (
    "administrative concept",
    "assessment scale",
    "attribute",
    "body structure",
    "cell",
    "clinical drug",
    "contextual qualifier",
    "disorder",
    "environment",
    "event",
    "finding",
    "medicinal product",
    "morphologic abnormality",
    "navigational concept",
    "observable entity",
    "occupation",
    "organism",
    "person",
    "physical force",
    "physical object",
    "procedure",
    "product",
    "qualifier value",
    "record artifact",
    "regime/therapy",
    "situation",
    "social concept",
    "specimen",
    "substance",
    "tumor staging",
)
_TAG = re.compile(rf"\s*\((?:{'|'.join(map(re.escape, _TAGS))})\)$")


def shown_term(term: str) -> str:
    """ "Asthma (disorder)" as "Asthma"; runs of blanks as one. A term that is nothing but its tag stays."""
    clean = " ".join(term.split())
    return _TAG.sub("", clean) or clean
