"""Messages that wait: limits, order, and who has to leave."""

from evsed.host.mqtt.queues import Complaints, Inbox, Message, Outbox

KIB = 1024


def _numbered(count, qos=0, size=0):
    return [Message(f"t{number}", bytes(size), qos) for number in range(count)]


def _topics(take):
    return [message.topic for message in iter(take, None)]


def test_the_hundred_newest_messages_wait():
    outbox = Outbox()
    assert sum([outbox.add(message) for message in _numbered(103)]) == 3
    first = outbox.next()
    assert first is not None
    assert (first.topic, len(outbox)) == ("t3", 99)


def test_a_quarter_of_a_mebibyte_waits():
    outbox = Outbox()
    left = [outbox.add(message) for message in _numbered(5, size=63 * KIB)]
    assert left == [0, 0, 0, 0, 1]


def test_twenty_messages_are_on_the_way_at_once():
    outbox = Outbox()
    for message in _numbered(30):
        outbox.add(message)
    for mid in range(20):
        outbox.sent(mid, outbox.next())
    assert outbox.next() is None
    outbox.confirmed(7)
    assert outbox.next().topic == "t20"


def test_after_a_loss_what_must_arrive_comes_again_first_and_in_order():
    outbox = Outbox()
    for message in _numbered(25, qos=1):
        outbox.add(message)
    outbox.add(Message("at most once", b"", 0))
    for mid in range(20):
        outbox.sent(mid, outbox.next())
    outbox.confirmed(0)
    assert outbox.lost() == 0
    again = []
    while message := outbox.next():
        again.append(message.topic)
    assert again == [f"t{number}" for number in range(1, 25)]


def test_what_is_confirmed_twice_or_never_was_sent_is_no_problem():
    outbox = Outbox()
    outbox.confirmed(3)
    outbox.sent(1, Message("t", b""))
    outbox.confirmed(1)
    outbox.confirmed(1)
    assert len(outbox) == 0


def test_an_inbox_asks_to_be_emptied_once():
    inbox = Inbox()
    assert [inbox.put(message) for message in _numbered(3)] == [True, False, False]
    assert _topics(inbox.take) == ["t0", "t1", "t2"]
    assert inbox.put(Message("t", b"")) is True


def test_an_inbox_counts_what_it_drops():
    inbox = Inbox()
    for message in _numbered(110):
        inbox.put(message)
    inbox.put(Message("too long", bytes(64 * KIB + 1)))
    assert inbox.dropped() == 11
    assert inbox.dropped() == 0
    assert _topics(inbox.take)[0] == "t10"


def test_a_message_of_64_kib_fits():
    inbox = Inbox()
    inbox.put(Message("t", bytes(64 * KIB)))
    assert inbox.dropped() == 0
    inbox.clear()
    assert inbox.take() is None


def test_dropped_messages_are_mentioned_once_a_minute():
    said, now_s = [], 0.0
    complaints = Complaints(said.append, lambda: now_s)
    complaints.add(0)
    complaints.add(2)
    complaints.add(3)
    now_s = 59.0
    complaints.add(1)
    now_s = 60.0
    complaints.add(1)
    complaints.add(0)
    assert said == ["2 messages dropped", "5 messages dropped"]
