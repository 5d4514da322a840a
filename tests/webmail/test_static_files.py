"""Style and script of the pages, served without a collectstatic."""

import pytest
from django.test import Client


@pytest.mark.parametrize("name", ["mailhost/base.css", "mailhost/icons.svg", "admin/css/base.css"])
def test_files_are_served_from_where_they_are_and_asked_for_again_only_when_changed(
    client: Client, name: str
) -> None:
    answer = client.get(f"/static/{name}")
    assert answer.status_code == 200
    assert not answer.streaming
    assert int(answer.headers["Content-Length"]) == len(answer.content) > 0
    again = client.get(f"/static/{name}", headers={"If-Modified-Since": answer.headers["Last-Modified"]})
    assert (again.status_code, again.content) == (304, b"")


def test_no_page_allows_scripts_or_styles_of_its_own(client: Client, db: None) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
