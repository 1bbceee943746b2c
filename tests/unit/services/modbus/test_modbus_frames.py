"""Requests cut out of a TCP stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsed.services.modbus.mbap import Frame, FrameCutter, OutOfStepError, envelope

frames = st.builds(
    Frame,
    transaction=st.integers(0, 65535),
    unit=st.integers(0, 255),
    pdu=st.binary(min_size=1, max_size=253),
)


def put(cutter, data):
    room = cutter.free()
    assert len(room) >= len(data)
    room[: len(data)] = data
    cutter.added(len(data))


def taken(cutter):
    found = []
    while (frame := cutter.take()) is not None:
        found.append(frame)
    return found


@given(st.lists(frames, max_size=6), st.data())
def test_however_a_stream_is_cut_the_frames_are_the_same(sent, data):
    stream = b"".join(envelope(frame, frame.pdu) for frame in sent)
    cutter, found = FrameCutter(), []
    while stream:
        count = data.draw(st.integers(1, min(len(stream), 4000)))
        put(cutter, stream[:count])
        stream = stream[count:]
        found += taken(cutter)
    assert found == sent
    assert cutter.waiting == 0


@given(st.binary(max_size=4160))
def test_whatever_comes_the_cutter_ends(noise):
    cutter = FrameCutter()
    put(cutter, noise)
    try:
        for frame in taken(cutter):
            assert 1 <= len(frame.pdu) <= 253
    except OutOfStepError:
        pass
    assert cutter.waiting <= len(noise)


@pytest.mark.parametrize("length", [0, 1, 255, 256, 65535])
def test_a_length_no_frame_has_is_noticed_with_six_bytes(length):
    cutter = FrameCutter()
    put(cutter, bytes((0, 1, 0, 0)) + length.to_bytes(2, "big"))
    with pytest.raises(OutOfStepError):
        cutter.take()


def test_frames_of_another_protocol_are_passed_over():
    cutter = FrameCutter()
    foreign = bytes.fromhex("0001 0001 0003 01 0300")
    ours = Frame(2, 1, b"\x03\0\x64\0\x01")
    put(cutter, foreign + envelope(ours, ours.pdu) + foreign)
    assert taken(cutter) == [ours]
    assert cutter.waiting == 0


def test_sixteen_of_the_longest_frames_fit():
    cutter = FrameCutter()
    frame = Frame(1, 1, bytes(253))
    put(cutter, envelope(frame, frame.pdu) * 16)
    assert cutter.full
    assert taken(cutter) == [frame] * 16
    assert not cutter.full


def test_room_is_found_again_behind_an_unfinished_frame():
    cutter = FrameCutter(2)
    frame = Frame(1, 1, bytes(253))
    whole = envelope(frame, frame.pdu)
    put(cutter, whole + whole[:100])
    assert taken(cutter) == [frame]
    put(cutter, whole[100:] + whole)
    assert taken(cutter) == [frame, frame]
