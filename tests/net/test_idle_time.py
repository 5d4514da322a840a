"""How much of the machine does nothing."""

from mailhost.net.idle_time import IdleTime


def test_the_share_is_that_since_the_last_question() -> None:
    lines = iter(
        ["cpu 100 0 100 700 100", "cpu 150 0 150 790 110", "cpu 250 0 250 790 110", "cpu 250 0 250 790 110"]
    )
    idle = IdleTime(lambda: next(lines))
    assert [idle.share() for _ in range(4)] == [1.0, 0.5, 0.0, 1.0]


def test_where_nothing_is_known_there_is_time() -> None:
    assert IdleTime(lambda: "").share() == 1.0


def test_this_machine_tells() -> None:
    idle = IdleTime()
    idle.share()
    assert 0.0 <= idle.share() <= 1.0
