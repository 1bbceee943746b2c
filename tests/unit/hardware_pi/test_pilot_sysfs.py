"""The control pilot on the kernel's PWM, here a plain directory tree."""

import threading

import pytest

from evsed.board.description import Channel, Pilot
from evsed.errors import HardwareError
from evsed.hardware.pi.pilot_output_sysfs import SysfsPilotOutput


def pilot(**extra):
    return Pilot(
        gpio=18,
        adc_channel=Channel(0, 0),
        levels_mv=(2405, 2099, 1792, 1484, 728),
        pwm="sysfs",
        pwm_chip=2,
        pwm_channel=1,
        **extra,
    )


@pytest.fixture
def channel(tmp_path):
    folder = tmp_path / "pwmchip2" / "pwm1"
    folder.mkdir(parents=True)
    for name in ("period", "duty_cycle", "enable"):
        (folder / name).write_text("")
    return folder


@pytest.fixture
def output(tmp_path, channel):
    output = SysfsPilotOutput(tmp_path, pilot())
    yield output
    output.close()


def told(channel, name):
    """The kernel takes the newest write; a plain file keeps the tail of a longer one."""
    return int((channel / name).read_text().split("\n")[0])


def test_it_starts_at_1_khz_low_and_enabled(channel, output):
    assert told(channel, "period") == 1_000_000
    assert told(channel, "duty_cycle") == 0
    assert told(channel, "enable") == 1


def test_duty_is_written_in_nanoseconds(channel, output):
    output.pulse(266_667)
    assert told(channel, "duty_cycle") == 266_667
    output.hold(high=True)
    assert told(channel, "duty_cycle") == 1_000_000
    output.hold(high=False)
    assert told(channel, "duty_cycle") == 0


def test_an_inverted_driver_gets_the_other_part_of_the_period(tmp_path, channel):
    output = SysfsPilotOutput(tmp_path, pilot(inverted=True))
    assert told(channel, "duty_cycle") == 1_000_000
    output.pulse(100_000)
    assert told(channel, "duty_cycle") == 900_000
    output.close()


def test_the_channel_is_exported_and_awaited(tmp_path):
    chip = tmp_path / "pwmchip2"
    chip.mkdir()

    def appear():
        while not (chip / "export").exists():
            pass
        (chip / "pwm1").mkdir()
        for name in ("period", "enable", "duty_cycle"):
            (chip / "pwm1" / name).write_text("")

    kernel = threading.Thread(target=appear)
    kernel.start()
    output = SysfsPilotOutput(tmp_path, pilot())
    kernel.join()
    output.close()
    assert (chip / "export").read_text() == "1\n"


def test_a_chip_that_is_not_there_is_named(tmp_path):
    with pytest.raises(HardwareError, match=r"control pilot on GPIO 18: .*pwmchip2"):
        SysfsPilotOutput(tmp_path, pilot())


def test_after_closing_nothing_is_written(channel, output):
    output.close()
    with pytest.raises(HardwareError, match="GPIO 18"):
        output.pulse(100_000)
    assert told(channel, "duty_cycle") == 0
