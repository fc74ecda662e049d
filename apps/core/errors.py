"""Expected refusals."""


class Refused(Exception):
    """Something the product will not do. ``str()`` is a sentence for a person: what happened and what to do.

    It never holds personal data, because it may be shown, logged and audited. Views show it in place; commands
    print it and exit with 1.
    """
