import pytest

from evsed.services.http.repeats import Repeats

ASK = b"GET /state HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def repeats():
    made = Repeats()
    made.take(ASK, alone=True)
    made.answered(lambda: b"wire", 10.0)
    return made


def test_the_same_question_gets_the_same_answer(repeats):
    assert repeats.answer(ASK, 10.5) == b"wire"
    assert repeats.answer(ASK, 11.0) == b"wire"


def test_after_a_second_it_is_judged_again(repeats):
    assert repeats.answer(ASK, 11.1) is None


@pytest.mark.parametrize("other", [ASK[:-1], ASK + b"x", ASK.replace(b"a", b"b"), b""])
def test_another_question_is_judged(repeats, other):
    assert repeats.answer(other, 10.5) is None


def test_nothing_is_answered_once_it_is_forgotten(repeats):
    repeats.forget()
    assert repeats.answer(ASK, 10.5) is None


def test_an_answer_that_cannot_be_repeated_ends_it(repeats):
    repeats.take(ASK, alone=True)
    repeats.answered(None, 10.5)
    assert repeats.answer(ASK, 10.6) is None


def test_what_does_not_hold_any_more_is_made_anew():
    repeats = Repeats()
    repeats.take(ASK, alone=True)
    repeats.answered(lambda: None, 10.0)
    assert repeats.answer(ASK, 10.1) is None


@pytest.mark.parametrize("arrived", [ASK + ASK, ASK + b"x", ASK[:-1], ASK.replace(b"\r", b"")])
def test_what_is_not_exactly_one_request_is_not_remembered(arrived):
    repeats = Repeats()
    repeats.take(arrived, alone=True)
    repeats.answered(lambda: b"wire", 10.0)
    assert repeats.answer(arrived, 10.1) is None


def test_a_request_that_came_in_pieces_is_not_remembered():
    repeats = Repeats()
    repeats.take(ASK[:10], alone=True)
    repeats.take(ASK[10:], alone=False)
    repeats.answered(lambda: b"wire", 10.0)
    for asked in (ASK, ASK[:10], ASK[10:]):
        assert repeats.answer(asked, 10.1) is None
