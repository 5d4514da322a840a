"""What `./run bench spam` makes of scores and folders."""

from pathlib import Path

import pytest

from tests.bench.spam import NoCorpus, halves
from tests.bench.spam_corpus import make
from tests.bench.spam_figures import Scores, markdown


def test_junk_counts_as_caught_above_the_wanted_mail_that_may_not_be_lost() -> None:
    scores = Scores("x", 0.9, junk=[0.2, 0.5, 0.95, 0.99], wanted=[0.1] * 98 + [0.5, 0.97])
    assert scores.caught(0.0) == 0.25
    assert scores.caught(0.01) == 0.5  # the one at 0.97 is lost; 0.5 ties with wanted mail, and is not caught
    assert scores.caught(0.02) == 1.0
    assert (scores.caught_by_default(), scores.lost_by_default()) == (0.5, 0.01)
    assert "| junk caught, 1.0% of wanted mail lost | 50.00% |" in markdown([scores])


def test_a_corpus_is_split_by_what_its_messages_say(tmp_path: Path) -> None:
    make(tmp_path / "one", count=40)
    train, judged = halves(tmp_path / "one" / "spam")
    assert len(train) + len(judged) == 40
    for path in train:
        path.rename(path.with_name(f"renamed-{path.name}"))
    again, _ = halves(tmp_path / "one" / "spam")
    assert {path.name for path in again} == {f"renamed-{path.name}" for path in train}


def test_a_folder_without_mail_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(NoCorpus, match="ham"):
        halves(tmp_path / "ham")
