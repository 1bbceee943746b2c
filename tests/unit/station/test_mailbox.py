import asyncio
import threading

import pytest

from evsed.charging.commands import Enable, SetChargingCurrent
from evsed.errors import RejectedError
from evsed.station import mailbox as module
from evsed.station.mailbox import Letter, Mailbox


@pytest.fixture
async def mailbox():
    box = Mailbox()
    box.open()
    yield box
    box.close()


def take_and_answer(box, verdict=None):
    """Do what one control pass does, on a thread of its own; return what was taken."""
    taken = []

    def one_pass():
        for letter in box.take():
            taken.append(letter.command)
            letter.answer(verdict)

    thread = threading.Thread(target=one_pass)
    thread.start()
    thread.join()
    return taken


async def sent(box, *commands):
    """Return the tasks of senders whose letters lie in the box."""
    tasks = [asyncio.create_task(box.send(command, "test")) for command in commands]
    await asyncio.sleep(0)
    return tasks


async def test_letters_are_taken_in_the_order_they_came(mailbox):
    commands = [SetChargingCurrent(value) for value in (60, 70, 80)]
    tasks = await sent(mailbox, *commands)
    assert take_and_answer(mailbox) == commands
    assert await asyncio.gather(*tasks) == [None, None, None]


async def test_nobody_is_answered_before_the_pass(mailbox):
    (task,) = await sent(mailbox, Enable(True))
    await asyncio.sleep(0.01)
    assert not task.done()
    take_and_answer(mailbox)
    await task


async def test_a_refusal_reaches_the_sender(mailbox):
    (task,) = await sent(mailbox, SetChargingCurrent(1))
    take_and_answer(mailbox, RejectedError("6.0 to 32.0 A expected", key="chargingCurrent"))
    with pytest.raises(RejectedError, match=r"6\.0 to 32\.0 A"):
        await task


async def test_a_letter_nobody_takes_times_out_and_is_withdrawn(mailbox, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 0.01)
    with pytest.raises(TimeoutError):
        await mailbox.send(Enable(True), "test")
    assert take_and_answer(mailbox) == []


async def test_a_cancelled_sender_withdraws_its_letter_and_no_other(mailbox):
    first, second = await sent(mailbox, Enable(True), Enable(False))
    first.cancel()
    await asyncio.sleep(0)
    assert take_and_answer(mailbox) == [Enable(False)]
    await second
    assert first.cancelled()


async def test_a_verdict_for_a_sender_that_has_just_gone_is_dropped(mailbox):
    (task,) = await sent(mailbox, Enable(True))
    take_and_answer(mailbox)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.01)


async def test_one_pass_takes_32_letters_and_the_next_one_the_rest(mailbox):
    tasks = await sent(mailbox, *[SetChargingCurrent(value) for value in range(60, 100)])
    assert len(take_and_answer(mailbox)) == 32
    assert [one.current_da for one in take_and_answer(mailbox)] == list(range(92, 100))
    await asyncio.gather(*tasks)


async def test_a_full_box_refuses_at_once(mailbox):
    for _ in range(256):
        mailbox.post(Letter(Enable(True), "test", lambda _: None, lambda: False))
    with pytest.raises(TimeoutError, match="too many"):
        await mailbox.send(Enable(True), "test")


async def test_closing_delivers_what_was_answered_last():
    box = Mailbox()
    box.open()
    (task,) = await sent(box, Enable(True))
    take_and_answer(box)
    box.close()
    await task
