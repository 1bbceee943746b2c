"""What is sent when: the ready message and the pushes."""

import pytest
from at_world import VECTORS, Client


@pytest.fixture(params=VECTORS["timelines"], ids=lambda timeline: timeline["name"])
def timeline(request):
    return request.param


def _bytes(text):
    return text.encode("latin-1")


async def test_a_timeline_happens_as_told(tmp_path, timeline):
    client = Client(tmp_path)
    began_s, seen = client.timers.now_s, b""
    for number, step in enumerate(timeline["steps"]):
        at_ms = step.get("until_ms", step.get("at_ms"))
        if number == 0:
            await client.start()
            if "event" not in step:
                client.writer.take()
        else:
            client.timers.advance(began_s + at_ms / 1000 - client.timers.now_s)
        if step.get("event") == "port closed and opened again":
            await client.close()
            client.writer.take()
            client.open()
        if "rx" in step:
            assert client.writer.take() == b""
            seen += await client.send(_bytes(step["rx"]))
        seen += client.writer.take()
        if "tx_each" in step:
            each = _bytes(step["tx_each"])
            low, high = step["count_between"]
            assert low <= seen.count(each) <= high
            assert seen == each * seen.count(each)
            seen = b""
            continue
        assert seen.startswith(_bytes(step["tx"]))
        seen = seen[len(_bytes(step["tx"])) :]
    assert seen == b""
    await client.close()
