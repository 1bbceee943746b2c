import pytest

from evsed.services.rest.event_text import EventId, frame, read_event_id


def test_an_event_is_an_id_a_name_and_one_line_of_json():
    data = frame("state", {"a": "x\ny", "b": None}, EventId("1f", 7))
    assert data == b'id: 1f-7\nevent: state\ndata: {"a":"x\\ny","b":null}\n\n'


def test_a_greeting_has_no_id():
    assert frame("hello", {}) == b"event: hello\ndata: {}\n\n"


def test_an_id_reads_as_it_was_written():
    assert read_event_id(str(EventId("1f-2", 7))) == EventId("1f-2", 7)


@pytest.mark.parametrize("text", [None, "", "7", "-", "a-", "a--", "a-x", "a-²", "a-" + "9" * 5000])
def test_an_id_that_makes_no_sense_is_none(text):
    assert read_event_id(text) is None
