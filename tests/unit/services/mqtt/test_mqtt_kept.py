"""What a broker is sent: the newest of each topic, and never more than it takes."""

from evsed.services.mqtt.kept import MOST_ON_THE_WAY, Kept, Publication


def everything(kept):
    found = []
    while (one := kept.next()) is not None:
        found.append(one)
    return found


def test_what_does_not_change_is_sent_once():
    kept = Kept()
    kept.put("a", b"1")
    kept.put("a", b"1")
    assert everything(kept) == [Publication("a", b"1", retain=True)]
    kept.put("a", b"1")
    assert everything(kept) == []


def test_a_slow_broker_gets_the_newest_value_and_waiting_does_not_grow():
    kept = Kept()
    for topic in range(MOST_ON_THE_WAY):
        kept.put(f"t{topic}", b"x")
    assert len(everything(kept)) == MOST_ON_THE_WAY
    for turn in range(1000):
        kept.put("a", b"%d" % turn)
    assert (everything(kept), kept.waiting) == ([], 1)
    kept.arrived(1)
    assert everything(kept) == [Publication("a", b"999", retain=True)]
    assert not kept.settled
    kept.arrived(MOST_ON_THE_WAY)
    assert kept.settled


def test_a_change_that_was_taken_back_is_not_sent():
    kept = Kept()
    kept.put("a", b"1")
    everything(kept)
    kept.put("a", b"2")
    kept.put("a", b"1")
    assert everything(kept) == []


def test_news_go_first_are_sent_once_and_the_oldest_leave():
    kept = Kept()
    kept.put("a", b"1")
    for turn in range(103):
        kept.add("news", b"%d" % turn)
    assert (kept.dropped, kept.waiting) == (3, 101)
    assert kept.next() == Publication("news", b"3", retain=False)


def test_a_new_connection_gets_everything_again_but_not_what_was_taken_back():
    kept = Kept()
    kept.put("a", b"1")
    kept.put("b", b"2")
    kept.put("b", b"")
    everything(kept)
    kept.begin()
    assert everything(kept) == [Publication("a", b"1", retain=True)]
    assert kept.topics == ("a",)


def test_confirmations_of_an_earlier_connection_do_no_harm():
    kept = Kept()
    kept.begin()
    kept.arrived(1000)
    for topic in range(2 * MOST_ON_THE_WAY):
        kept.put(f"t{topic}", b"x")
    assert len(everything(kept)) == MOST_ON_THE_WAY


def test_what_was_taken_back_while_the_broker_was_away_is_taken_back_when_it_is_there():
    kept = Kept()
    kept.put("config", b"")  # an earlier run may have left something there
    kept.begin()
    assert everything(kept) == [Publication("config", b"", retain=True)]
    kept.begin()
    assert everything(kept) == []
