"""Addresses of brokers, topics and filters: what is taken and what is refused."""

import pytest

from evsed.errors import RejectedError
from evsed.host.mqtt.address import check_filter, check_topic, read_address


@pytest.mark.parametrize(
    ("uri", "shown", "tls", "web"),
    [
        ("mqtt://10.0.0.2", "10.0.0.2:1883", False, False),
        ("mqtt://broker.local:1884/", "broker.local:1884", False, False),
        ("MQTTS://broker.example", "broker.example:8883", True, False),
        ("ws://broker.example", "broker.example:80", False, True),
        ("wss://broker.example:9001/path?x=1", "broker.example:9001", True, True),
        ("mqtt://[fd00::2]:1885", "[fd00::2]:1885", False, False),
    ],
)
def test_an_address_says_where_and_how(uri, shown, tls, web):
    address = read_address(uri)
    assert (str(address), address.tls, address.web) == (shown, tls, web)


@pytest.mark.parametrize(
    "uri",
    [
        *("", "mqtt", "mqtt:", "mqtt://", "mqtt:10.0.0.2", "10.0.0.2:1883", "http://10.0.0.2"),
        *("mqtt://:1883", "mqtt://host:0", "mqtt://host:65536", "mqtt://host:port", "mqtt://a b"),
        *("mqtt://[fd00::2", "mqtt://host\n", "mqtt://ho\0st", "tcp://host"),
    ],
)
def test_an_address_nobody_can_use_is_refused(uri):
    with pytest.raises(RejectedError, match=r"^invalid params$"):
        read_address(uri)


def test_a_path_counts_for_websockets_only():
    assert read_address("ws://host/a/b?c=d").path == "/a/b?c=d"
    assert read_address("ws://host").path == "/mqtt"
    assert read_address("mqtt://host/a").path == "/mqtt"


def test_user_and_password_stand_in_the_address_or_beside_it():
    inside = read_address("mqtt://an%40na:p%3Aw%2F@host")
    assert (inside.user, inside.password) == ("an@na", "p:w/")
    beside = read_address("mqtt://anna:old@host", "berta", "new")
    assert (beside.user, beside.password) == ("berta", "new")
    empty = read_address("mqtt://anna:old@host", "", "")
    assert (empty.user, empty.password) == ("anna", "old")
    assert read_address("mqtt://host", "", None).user is None


def test_an_address_never_shows_its_password():
    address = read_address("mqtt://anna:secret@host")
    assert "secret" not in f"{address} {address!r}"


@pytest.mark.parametrize("topic", ["a", "/", "a//b", "$SYS/x", "ä/ö", " "])
def test_topics_one_may_publish_to(topic):
    check_topic(topic)


@pytest.mark.parametrize("topic", ["", "a/+", "#", "a#", "a\0b", "x" * 65536])
def test_topics_one_may_not_publish_to(topic):
    with pytest.raises(RejectedError, match="invalid topic"):
        check_topic(topic)


@pytest.mark.parametrize("topic_filter", ["a", "#", "+", "a/#", "+/a/+", "/", "$SYS/#", "+//#"])
def test_filters_one_may_subscribe_to(topic_filter):
    check_filter(topic_filter)


@pytest.mark.parametrize("topic_filter", ["", "a#", "#/a", "a/#/b", "a+", "a/+b/c", "##", "a\0"])
def test_filters_one_may_not_subscribe_to(topic_filter):
    with pytest.raises(RejectedError, match="invalid filter"):
        check_filter(topic_filter)
