"""The ring: counting as a polling client does, overflow, readers, many threads."""

import threading

from evsed.services.log.ring import CAPACITY, LogRing


def filled(count, capacity=CAPACITY):
    ring = LogRing(capacity)
    for number in range(count):
        ring.append(str(number))
    return ring


def test_the_count_is_the_number_of_lines():
    assert filled(3).lines() == (["0", "1", "2"], 3)


def test_an_index_leaves_out_what_the_client_has():
    ring = filled(3)
    assert ring.lines(2) == (["2"], 3)
    assert ring.lines(3) == ([], 3)
    assert ring.lines(10**30) == ([], 3)


def test_a_full_ring_keeps_all_its_lines():
    assert filled(CAPACITY).lines()[1] == 2000


def test_one_line_more_drops_the_older_half_at_once():
    lines, count = filled(CAPACITY + 1).lines()
    assert count == len(lines) == 1001
    assert (lines[0], lines[-1]) == ("1000", "2000")


def test_a_polling_client_sees_the_last_line_and_a_falling_count():
    ring, last, seen, falls = LogRing(), 0, [], 0
    for number in range(5000):
        ring.append(str(number))
        if number % 7 == 0 or number == 4999:
            lines, count = ring.lines(last)
            if count < last:
                falls += 1
                lines, count = ring.lines(0)
            last = count
            seen += lines
    assert falls >= 1
    assert seen[-1] == "4999"
    assert {int(line) for line in seen} == set(range(5000))


def test_a_reader_begins_now_or_with_the_oldest_line():
    ring = filled(3)
    fresh, whole = ring.subscribe(), ring.subscribe(whole=True)
    ring.append("three")
    assert fresh.take() == [(3, "three")]
    assert whole.take() == [(0, "0"), (1, "1"), (2, "2"), (3, "three")]
    assert whole.take() == []


def test_a_reader_takes_no_more_at_once_than_it_wants():
    reader = filled(10).subscribe(whole=True)
    assert [number for number, _ in reader.take(4)] == [0, 1, 2, 3]
    assert reader.behind == 6


def test_a_reader_left_behind_sees_the_loss_in_the_numbers():
    ring = LogRing(10)
    reader = ring.subscribe()
    for number in range(25):
        ring.append(str(number))
    taken = reader.take()
    assert taken[0][0] > 0
    assert taken[-1] == (24, "24")
    assert all(line == str(number) for number, line in taken)


def test_threads_that_log_at_once_lose_nothing():
    ring = LogRing(100_000)
    threads = [
        threading.Thread(target=lambda n=n: [ring.append(f"{n} {i}") for i in range(2000)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines, count = ring.lines()
    assert count == 8000
    for name in "0123":
        own = [line for line in lines if line.startswith(name)]
        assert own == [f"{name} {i}" for i in range(2000)]
