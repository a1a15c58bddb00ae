"""docs/operate.md lists every alarm and failure queue of the template."""

from __future__ import annotations

from tests.support.pages import code, read, table
from tests.template import support

OPERATE = read("docs/operate.md")


def test_every_alarm_is_listed_in_the_words_of_its_message() -> None:
    alarms = support.stack().of("AWS::CloudWatch::Alarm")
    expected = {code(name): each["AlarmDescription"] for name, each in alarms.items()}
    rows = table(OPERATE, "Alarm", "It says", "What to do")
    assert {name: said for name, said, _ in rows} == expected
    assert all(todo for _, _, todo in rows)


def test_every_failure_queue_is_listed_with_what_it_holds_and_the_way_back() -> None:
    queues = {name for name in support.stack().of("AWS::SQS::Queue") if "Failure" in name}
    rows = table(OPERATE, "Failure queue", "A message is", "The way back")
    assert {name.strip("`") for name, _, _ in rows} == queues
