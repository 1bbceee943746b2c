"""Every recorded command: what is answered and what it changes, however the bytes arrive."""

import json

import pytest
from at_world import VECTORS, Client

_VECTORS = VECTORS["vectors"]


@pytest.fixture(params=_VECTORS, ids=lambda vector: vector["name"])
def vector(request):
    return request.param


def _bytes(text):
    return text.encode("latin-1")


async def _fresh(tmp_path, vector):
    client = await Client(tmp_path, vector["preconditions"]).start()
    assert client.writer.take() == b"\n\nRDY\n"
    return client


def _without_push(vector, answer):
    """Return an answer without the push that follows a successful subscription at once."""
    if "$sub" in vector.get("effects", {}):
        return answer.removesuffix(b"\n+ENABLE=1\n")
    return answer


async def test_a_command_is_answered_and_changes_what_it_says(tmp_path, vector):
    client = await _fresh(tmp_path, vector)
    before = client.shown()
    answer = await client.send(_bytes(vector["request"]))
    assert _without_push(vector, answer) == _bytes(vector["response"])
    after = client.shown()
    changed = {key: after[key] for key in after if after[key] != before[key]}
    effects = vector.get("effects", {})
    for key, value in effects.items():
        assert after[key] == value, key
    assert changed.keys() <= effects.keys()
    await client.close()


async def test_it_is_the_same_one_byte_at_a_time(tmp_path, vector):
    client = await _fresh(tmp_path, vector)
    request = _bytes(vector["request"])
    pieces = [request[at : at + 1] for at in range(len(request))]
    answer = await client.send(*pieces)
    assert _without_push(vector, answer) == _bytes(vector["response"])
    await client.close()


async def test_what_changes_nothing_may_be_sent_in_one_go(tmp_path):
    quiet = [
        vector
        for vector in _VECTORS
        if not vector["preconditions"]
        and not vector.get("effects")
        and not vector["request"].startswith("ATE1")
        and vector["request"].endswith("\n")
    ]
    assert len(quiet) > 100
    client = await _fresh(tmp_path, quiet[0])
    before = client.shown()
    answer = await client.send(b"".join(_bytes(vector["request"]) for vector in quiet))
    assert answer == b"".join(_bytes(vector["response"]) for vector in quiet)
    assert client.shown() == before
    await client.close()


def test_text_and_hexadecimal_forms_agree(vector):
    for key in ("request", "response"):
        assert _bytes(vector[key]).hex() == vector[f"{key}_hex"]


def test_no_vector_has_been_lost():
    names = [vector["name"] for vector in _VECTORS]
    assert len(names) == len(set(names)) == 182
    assert len(VECTORS["timelines"]) == 6
    assert json.dumps(VECTORS)
