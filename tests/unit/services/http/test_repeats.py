import pytest

from evsed.services.http.repeats import Repeats

QUESTION = b"GET /state HTTP/1.1\r\nHost: x\r\n\r\n"


def again():
    return b"answer"


@pytest.fixture
def repeats():
    """Return what has seen one question and its answer, at second 0."""
    repeats = Repeats()
    repeats.take(QUESTION, alone=True)
    repeats.answered(again, 0.0)
    return repeats


def test_the_same_question_within_a_second_has_the_same_answer(repeats):
    assert repeats.answer(QUESTION, 0.9) == b"answer"


@pytest.mark.parametrize(
    ("data", "now_s"), [(QUESTION, 1.1), (QUESTION + b"\r\n", 0.1), (QUESTION[:-1], 0.1), (b"", 0)]
)
def test_anything_else_is_judged(repeats, data, now_s):
    assert repeats.answer(data, now_s) is None


@pytest.mark.parametrize("data", [QUESTION * 2, QUESTION[:-2], QUESTION + b"{}"])
def test_only_one_whole_request_without_a_body_is_remembered(data):
    repeats = Repeats()
    repeats.take(data, alone=True)
    repeats.answered(again, 0.0)
    assert repeats.answer(data, 0.1) is None


def test_after_a_change_of_credentials_the_next_question_is_judged(repeats):
    repeats.forget()
    assert repeats.answer(QUESTION, 0.1) is None


def test_a_question_under_way_while_credentials_change_is_not_remembered():
    repeats = Repeats()
    repeats.take(QUESTION, alone=True)
    repeats.forget()
    repeats.answered(again, 0.0)
    assert repeats.answer(QUESTION, 0.1) is None
