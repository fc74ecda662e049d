"""Compact tables are remembered with the account, in every browser."""

import pytest

pytestmark = pytest.mark.django_db


def test_compact_rows_follow_a_person_to_another_browser(signed_in) -> None:
    assert signed_in("max").post("/account/compact/", {"compact": "1"}).status_code == 204
    assert 'class="table-compact"' in signed_in("max").get("/segments/").content.decode()
    signed_in("max").post("/account/compact/", {"compact": "0"})
    assert 'class="table-compact"' not in signed_in("max").get("/segments/").content.decode()
