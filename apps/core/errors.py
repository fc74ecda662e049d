"""Expected refusals."""


class Refused(Exception):
    """Something the product will not do.

    ``code`` is what a program matches on ("campaign.not_approved"): one of the list in ``apps.core.refusals``.
    ``str()`` is a sentence for a person: what happened and what to do. Neither ever holds personal data, because they
    may be shown, logged and audited. Views show the sentence in place; commands print it and exit with 1.
    """

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        super().__init__(code, sentence)

    def __str__(self) -> str:
        return str(self.args[1])
