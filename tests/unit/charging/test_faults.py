"""Fault bits: deadlines, retries, release."""

from evsed.charging.faults import (
    CLEAR_AFTER_MS,
    Faults,
    cleared_by_time,
    lock_failed,
    release_by_operator,
    release_lock,
    release_unplugged,
    settle_faults,
)
from evsed.charging.states import Fault, fault_names

DIODE, RCM, HOT = Fault.DIODE_SHORT, Fault.RCM_TRIGGERED, Fault.TEMPERATURE_HIGH


def test_each_fault_has_its_own_time() -> None:
    faults = settle_faults(Faults(), DIODE, 0)
    faults = settle_faults(faults, RCM, 30_000)

    assert faults.any()
    assert settle_faults(faults, Fault.NONE, CLEAR_AFTER_MS - 1).bits == (DIODE | RCM).value
    later = settle_faults(faults, Fault.NONE, CLEAR_AFTER_MS)
    assert later.bits == RCM.value
    assert cleared_by_time(faults, later)
    assert not settle_faults(later, Fault.NONE, 90_000).any()


def test_a_fault_whose_cause_lasts_stays_60_s_longer_than_the_cause() -> None:
    faults = settle_faults(Faults(), RCM, 0)
    faults = settle_faults(faults, RCM, 59_000)

    assert settle_faults(faults, Fault.NONE, 118_999).any()
    assert not settle_faults(faults, Fault.NONE, 119_000).any()


def test_a_fault_that_lasts_while_its_cause_does_goes_with_it() -> None:
    faults = settle_faults(Faults(), HOT, 0)

    assert settle_faults(faults, HOT, 100_000).has(HOT)
    gone = settle_faults(faults, Fault.NONE, 20)
    assert not gone.any()
    assert not cleared_by_time(faults, gone)


def spent() -> Faults:
    """Return the diode fault after its third retry."""
    faults, now_ms = Faults(), 0
    for _ in range(4):
        faults = settle_faults(faults, DIODE, now_ms)
        now_ms += CLEAR_AFTER_MS
        faults = settle_faults(faults, Fault.NONE, now_ms)
    return faults


def test_the_fourth_time_a_retried_fault_stays() -> None:
    faults = spent()

    assert faults.exhausted() == DIODE.value
    assert faults.waits_for_unplugging()
    assert settle_faults(faults, Fault.NONE, 10**9).bits == DIODE.value


def test_a_fault_that_is_not_retried_clears_by_itself_every_time() -> None:
    faults = Faults()
    for now_ms in range(0, 10 * CLEAR_AFTER_MS, CLEAR_AFTER_MS):
        faults = settle_faults(faults, Fault.PILOT_FAULT, now_ms)
        faults = settle_faults(faults, Fault.NONE, now_ms + CLEAR_AFTER_MS)
        assert not faults.any()


def test_unplugging_releases_what_waits_for_it_unless_its_cause_still_shows() -> None:
    assert not release_unplugged(spent(), Fault.NONE).any()
    assert release_unplugged(spent(), DIODE).has(DIODE)
    assert release_unplugged(Faults(bits=HOT.value), Fault.NONE).has(HOT)
    assert release_unplugged(Faults(retries=((2, 1),)), Fault.NONE) == Faults()
    calm = Faults()
    assert release_unplugged(calm, Fault.NONE) is calm


def test_an_open_proximity_contact_is_no_fault_without_a_plug() -> None:
    assert not release_unplugged(Faults(bits=Fault.CABLE_FAULT.value), Fault.CABLE_FAULT).any()


def test_an_operator_releases_latched_and_spent_faults_but_no_weld() -> None:
    for fault in (Fault.LOCK_FAULT, Fault.UNLOCK_FAULT, Fault.EMERGENCY_STOP, Fault.CABLE_FAULT):
        assert not release_by_operator(Faults(bits=fault.value)).any()
    assert not release_by_operator(spent()).any()
    assert release_by_operator(Faults(bits=Fault.CONTACTOR_WELDED.value)).any()
    assert release_by_operator(settle_faults(Faults(), DIODE, 0)).has(DIODE)


def test_without_a_lock_in_use_its_faults_are_moot() -> None:
    failed = Faults(bits=(Fault.LOCK_FAULT | HOT).value)

    assert lock_failed(failed)
    assert release_lock(failed).bits == HOT.value
    assert not lock_failed(release_lock(failed))
    other = Faults(bits=HOT.value)
    assert release_lock(other) is other


def test_names_ascend_by_bit() -> None:
    assert fault_names(Fault.EMERGENCY_STOP | Fault.PILOT_FAULT | RCM) == [
        "pilot_fault",
        "rcm_triggered",
        "emergency_stop",
    ]
