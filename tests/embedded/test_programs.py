"""What the supervisor starts."""

from mailhost.embedded.programs import doors


def test_some_of_the_smtp_processes_take_submissions() -> None:
    programs = doors(host="127.0.0.1", ports={"web": 8000}, smtp_processes=3, submission_processes=2)
    smtp = {each.name: (each.words, each.ports) for each in programs if each.name.startswith("smtp")}
    both = (("serve_smtp",), ("smtp", "submission", "submissions"))
    assert smtp == {"smtp": both, "smtp-2": both, "smtp-3": (("serve_smtp", "--inbound-only"), ("smtp",))}


def test_no_more_than_there_are_can_be_asked_for() -> None:
    programs = doors(host="127.0.0.1", ports={"web": 8000}, smtp_processes=1, submission_processes=5)
    assert [each.words for each in programs if each.name.startswith("smtp")] == [("serve_smtp",)]
