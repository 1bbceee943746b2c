"""The table of topics: names, and how values are written."""

import json

import pytest

from evsed.operations.detail_fields import DETAIL_FIELDS
from evsed.operations.state_fields import STATE_FIELDS
from evsed.services.mqtt import topics
from evsed.services.mqtt.topics import TOPICS, payload


def test_names_are_unique_and_fit_beside_the_others():
    names = [topic.name for topic in TOPICS]
    assert len(set(names)) == len(names)
    others = (topics.AVAILABILITY, topics.ERROR, topics.COMMANDS, topics.SESSION_EVENT)
    assert not {other.partition("/")[0] for other in others} & set(names)


def test_what_is_restless_or_left_out_is_in_the_tables():
    rows = {row.name for row in (*STATE_FIELDS, *DETAIL_FIELDS)}
    assert {topic.name for topic in TOPICS} >= topics._RESTLESS
    assert rows - {topic.name for topic in TOPICS} == topics._NOT_SENT


@pytest.mark.parametrize("value", [True, None, 13.5, 0, [16.01, 0.0, 0.0], {"a": "é"}, []])
def test_everything_but_a_text_is_json(value):
    assert json.loads(payload(value)) == value


def test_a_text_is_written_as_it_is():
    assert payload("C2") == b"C2"
    assert payload("é\ud800") == "é?".encode()
