"""Tests that undo what they write begin with nothing learned: others have taught the site as well."""

import pytest


@pytest.fixture(autouse=True)
def nothing_learned(request: pytest.FixtureRequest) -> None:
    if "db" in request.fixturenames:
        from mailboxes.models import JunkCount, JunkTotal, Lesson  # once Django is set up

        request.getfixturevalue("db")
        for model in (Lesson, JunkCount, JunkTotal):
            model._default_manager.all().delete()
