"""Whether a letter is from whom it says: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 9989), and what our own MX found.

``verdicts`` is for the product. The letter itself is read inside (``judging``); the DNS is asked outside (``names``).
"""
