// What the station says, in words: why it is or is not charging, what would change that, and what errors mean.

import { N } from "../kit/words.js";

// tone: go = energy flows or is about to, wait = somebody has to act, idle = nothing to do, fault
export const REASONS = {
  charging: {
    tone: "go", icon: "bolt", title: N("Charging"),
    text: N("The car takes what it needs. It stops by itself when it is full."),
    change: N("Pausing, a limit that is reached, or the car itself."),
  },
  starting: {
    tone: "go", icon: "bolt", title: N("Starting to charge"),
    text: N("The car asks for energy; the contactor is about to close."),
    change: N("Nothing to do."),
  },
  stopping: {
    tone: "wait", icon: "wait", title: N("Stopping"),
    text: N("The car has a few seconds to stop drawing current before the contactor opens."),
    change: N("Nothing to do."),
  },
  no_vehicle: {
    tone: "idle", icon: "plug", title: N("Ready"),
    text: N("No car is connected. Plug in the cable to begin."),
    change: N("A car that is plugged in."),
  },
  vehicle_not_asking: {
    tone: "idle", icon: "car", title: N("Waiting for the car"),
    text: N("Energy is on offer, but the car does not ask for it. It may be full or follow its own timer."),
    change: N("The car: its charge limit, its timer, or a door that has to be locked."),
  },
  pilot_settling: {
    tone: "idle", icon: "wait", title: N("Reading the car’s signal"),
    text: N("This takes a moment."),
    change: N("Nothing to do."),
  },
  fault: {
    tone: "fault", icon: "warn", title: N("Stopped by a fault"),
    text: N("Charging is off. The message above says what to do."),
    change: N("What the message at the top of this page asks for."),
  },
  retries_exhausted: {
    tone: "fault", icon: "warn", title: N("Stopped: the fault came back"),
    text: N("Several attempts failed. Unplug the car, or take the station out of service and back."),
    change: N("Unplugging the car, once the cause is gone."),
  },
  out_of_service: {
    tone: "wait", icon: "stop", title: N("Out of service"),
    text: N("Nobody can charge until the station is put back into service."),
    change: N("Putting the station into service."),
  },
  shutting_down: {
    tone: "wait", icon: "stop", title: N("Shutting down"),
    text: N("The station is being stopped or restarted."),
    change: N("The end of the restart."),
  },
  maintenance: {
    tone: "fault", icon: "warn", title: N("Maintenance"),
    text: N("The board file has errors, so nothing is switched on. Correct it and restart."),
    change: N("A correct board file, and a restart."),
  },
  self_check: {
    tone: "idle", icon: "wait", title: N("Checking itself"),
    text: N("The station tests its parts after the start. This takes a moment."),
    change: N("Nothing to do."),
  },
  disabled: {
    tone: "wait", icon: "pause", title: N("Paused"),
    text: N("Charging was switched off. Press “Start charging” to go on."),
    change: N("Starting it here, or whoever switched it off: a schedule, a script, an energy manager."),
  },
  authorization_pending: {
    tone: "wait", icon: "key", title: N("Waiting for authorization"),
    text: N("The car is connected. Authorize this session to let it charge."),
    change: N("Authorizing this session."),
  },
  consumption_limit: {
    tone: "wait", icon: "check", title: N("Paused: energy limit reached"),
    text: N("This session got the energy it was limited to. Raise the limit or unplug the car."),
    change: N("A higher energy limit, or a new session."),
  },
  charging_time_limit: {
    tone: "wait", icon: "check", title: N("Paused: time limit reached"),
    text: N("This session has charged for as long as it may. Raise the limit or unplug the car."),
    change: N("A higher time limit, or a new session."),
  },
  under_power_limit: {
    tone: "wait", icon: "check", title: N("Finished: the car draws next to nothing"),
    text: N("Power stayed below the limit for a minute. Unplug the car to begin a new session."),
    change: N("A new session, or a lower power limit."),
  },
  locking: {
    tone: "idle", icon: "key", title: N("Locking the plug"),
    text: N("Charging begins once the plug is locked."),
    change: N("Nothing to do."),
  },
  outlet_changed: {
    tone: "wait", icon: "plug", title: N("Paused: the outlet setting was changed"),
    text: N("Unplug the car so that the new setting takes effect."),
    change: N("Unplugging the car."),
  },
  cable_unknown: {
    tone: "wait", icon: "plug", title: N("Paused: cable not recognized"),
    text: N("Push the plug in fully. If that does not help, try another cable."),
    change: N("The plug pushed in fully, or another cable."),
  },
  rcm_selftest: {
    tone: "idle", icon: "wait", title: N("Testing the residual current monitor"),
    text: N("Charging begins once the test has passed."),
    change: N("Nothing to do."),
  },
  ventilation_required: {
    tone: "wait", icon: "warn", title: N("Paused: the car asks for ventilation"),
    text: N("This station has no ventilation, so this car cannot charge here."),
    change: N("A car that does not ask for ventilation, or a station that has it."),
  },
  contactor_rest: {
    tone: "idle", icon: "wait", title: N("A moment’s rest"),
    text: N("The contactor pauses for a few seconds before it closes again."),
    change: N("Nothing to do."),
  },
  unclean_end: {
    tone: "wait", icon: "pause", title: N("Paused after a failure"),
    text: N("The charger’s software broke off while it ran. The car has to stop asking once, which most do by themselves within seconds."),
    change: N("Unplugging the car, if it does not go on by itself."),
  },
  current_too_low: {
    tone: "wait", icon: "pause", title: N("Paused: less than 6 A available"),
    text: N("A car cannot charge with less than 6 A. It goes on when more is available."),
    change: N("At least 6 A from whoever limits the current."),
  },
  start_delay: {
    tone: "idle", icon: "wait", title: N("Starting soon"),
    text: N("A short delay spares the grid when many chargers begin at once."),
    change: N("Nothing to do."),
  },
  paused_by_limit: {
    tone: "wait", icon: "pause", title: N("Paused by an energy manager"),
    text: N("Somebody who may limit this charger wants no charging now."),
    change: N("Its permission; it goes on by itself then."),
  },
  controller_lost: {
    tone: "wait", icon: "wait", title: N("Paused: the energy manager is silent"),
    text: N("It goes on when the energy manager is heard again."),
    change: N("The energy manager, once it is heard again."),
  },
};

// For stations whose extensions are switched off: the state letter is all there is.
const BY_STATE = {
  A: "no_vehicle", B1: "disabled", B2: "vehicle_not_asking", C1: "disabled", C2: "charging",
  D1: "disabled", D2: "charging", E: "fault", F: "out_of_service",
};

export function reasonOf(state, detail) {
  if (detail && REASONS[detail.reason]) {
    return detail.reason;
  }
  if (state.pendingAuth) {
    return "authorization_pending";
  }
  return BY_STATE[state.state] || "fault";
}

const AUTO = N("By itself 60 s after the cause has gone.");
const RETRY = N("By itself after 60 s, at most three times; then unplug the car.");

export const ERRORS = {
  pilot_fault: {
    title: N("The car’s signal makes no sense"),
    cause: N("The control pilot wire has a voltage no car produces: a short circuit, moisture or a damaged cable."),
    act: N("Unplug the car and look at plug and cable."), clears: AUTO,
  },
  diode_short: {
    title: N("The car’s diode is missing"),
    cause: N("What is connected does not behave like a car: a short circuit, or a fault in the car’s charging socket."),
    act: N("Unplug it. If it happens with one car only, have that car checked."), clears: RETRY,
  },
  lock_fault: {
    title: N("The plug could not be locked"),
    cause: N("The lock did not reach its end position in any attempt."),
    act: N("Push the plug in fully, then take the station out of service and back."),
    clears: N("By that, or by a restart."),
  },
  unlock_fault: {
    title: N("The plug could not be released"),
    cause: N("The lock did not open in any attempt."),
    act: N("Take the strain off the cable, then take the station out of service and back."),
    clears: N("By that, or by a restart."),
  },
  rcm_triggered: {
    title: N("Residual current"),
    cause: N("Current leaks to earth in the car, the cable or the station."),
    act: N("Unplug the car. If it comes back, do not use this car or cable and ask an electrician."),
    clears: RETRY,
  },
  rcm_selftest_fault: {
    title: N("The residual current monitor failed its test"),
    cause: N("The monitor did not answer to its test before charging."),
    act: N("Have the station checked if this comes back."), clears: AUTO,
  },
  temperature_high: {
    title: N("Too hot"),
    cause: N("The station is warmer than its limit."),
    act: N("Give it shade and air. A lower charging current helps."),
    clears: N("By itself when it has cooled down by 5 °C."),
  },
  temperature_fault: {
    title: N("Temperature unknown"),
    cause: N("The temperature sensor does not answer."),
    act: N("Check the sensor and its wiring."), clears: N("By itself with the next good reading."),
  },
  contactor_welded: {
    title: N("The contactor does not open"),
    cause: N("Its contacts are stuck: the outlet is live although it should be off."),
    act: N("Switch off the supply of the station and call an electrician."),
    clears: N("By a restart, once the contactor is open."),
  },
  contactor_open_fault: {
    title: N("The contactor does not close"),
    cause: N("It was told to close and did not."), act: N("Have the contactor and its coil supply checked."),
    clears: RETRY,
  },
  overcurrent: {
    title: N("The car takes too much current"),
    cause: N("It draws clearly more than it was offered."),
    act: N("Have the car’s charger checked if this comes back."), clears: RETRY,
  },
  cable_fault: {
    title: N("The cable’s coding makes no sense"),
    cause: N("The plug’s coding resistor is missing or shorted."),
    act: N("Use another cable."), clears: N("By itself when the cable is unplugged or good again."),
  },
  supply_fault: {
    title: N("A supply voltage is missing"),
    cause: N("Mains or the pilot’s ±12 V supply is absent."),
    act: N("Check the fuse and the station’s supply."), clears: N("By itself when the supply is back."),
  },
  controller_fault: {
    title: N("The controller failed"),
    cause: N("A converter, an output or the timing of the control loop failed."),
    act: N("Restart the station; have it checked if this comes back."),
    clears: N("By itself 60 s after it works again."),
  },
  emergency_stop: {
    title: N("Emergency stop"),
    cause: N("The emergency stop is pressed."),
    act: N("Remove the danger, release the stop, then take the station out of service and back."),
    clears: N("By that."),
  },
};

// The name of a fault, or of whatever this page does not know.
export const nameOf = (word) => ERRORS[word]?.title ?? word.replaceAll("_", " ");
