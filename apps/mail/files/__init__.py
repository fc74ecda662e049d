"""What came along with a letter. ``opening`` is for the product; all else runs inside (``apps.core.strangers``)."""
