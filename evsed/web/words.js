// What the station says, in words: why it is or is not charging, and what would change that.

// tone: go = energy flows or is about to, wait = somebody has to act, idle = nothing to do, fault
export const REASONS = {
  charging: {
    tone: "go", icon: "bolt", title: "Charging",
    text: "The car takes what it needs. It stops by itself when it is full.",
  },
  starting: {
    tone: "go", icon: "bolt", title: "Starting to charge",
    text: "The car asks for energy; the contactor is about to close.",
  },
  stopping: {
    tone: "wait", icon: "wait", title: "Stopping",
    text: "The car has a few seconds to stop drawing current before the contactor opens.",
  },
  no_vehicle: {
    tone: "idle", icon: "plug", title: "Ready",
    text: "No car is connected. Plug in the cable to begin.",
  },
  vehicle_not_asking: {
    tone: "idle", icon: "car", title: "Waiting for the car",
    text: "Energy is on offer, but the car does not ask for it. It may be full or follow its own timer.",
  },
  pilot_settling: {
    tone: "idle", icon: "wait", title: "Reading the car’s signal",
    text: "This takes a moment.",
  },
  fault: {
    tone: "fault", icon: "warn", title: "Stopped by a fault",
    text: "Charging is off. The message above says what to do.",
  },
  retries_exhausted: {
    tone: "fault", icon: "warn", title: "Stopped: the fault came back",
    text: "Several attempts failed. Unplug the car, or take the station out of service and back.",
  },
  out_of_service: {
    tone: "wait", icon: "stop", title: "Out of service",
    text: "Nobody can charge until the station is put back into service.",
  },
  shutting_down: {
    tone: "wait", icon: "stop", title: "Shutting down",
    text: "The station is being stopped or restarted.",
  },
  maintenance: {
    tone: "fault", icon: "warn", title: "Maintenance",
    text: "The board file has errors, so nothing is switched on. Correct it and restart.",
  },
  self_check: {
    tone: "idle", icon: "wait", title: "Checking itself",
    text: "The station tests its parts after the start. This takes a moment.",
  },
  disabled: {
    tone: "wait", icon: "pause", title: "Paused",
    text: "Charging was switched off. Press “Start charging” to go on.",
  },
  authorization_pending: {
    tone: "wait", icon: "key", title: "Waiting for authorization",
    text: "The car is connected. Authorize this session to let it charge.",
  },
  consumption_limit: {
    tone: "wait", icon: "check", title: "Paused: energy limit reached",
    text: "This session got the energy it was limited to. Raise the limit or unplug the car.",
  },
  charging_time_limit: {
    tone: "wait", icon: "check", title: "Paused: time limit reached",
    text: "This session has charged for as long as it may. Raise the limit or unplug the car.",
  },
  under_power_limit: {
    tone: "wait", icon: "check", title: "Finished: the car draws next to nothing",
    text: "Power stayed below the limit for a minute. Unplug the car to begin a new session.",
  },
  locking: {
    tone: "idle", icon: "key", title: "Locking the plug",
    text: "Charging begins once the plug is locked.",
  },
  outlet_changed: {
    tone: "wait", icon: "plug", title: "Paused: the outlet setting was changed",
    text: "Unplug the car so that the new setting takes effect.",
  },
  cable_unknown: {
    tone: "wait", icon: "plug", title: "Paused: cable not recognized",
    text: "Push the plug in fully. If that does not help, try another cable.",
  },
  rcm_selftest: {
    tone: "idle", icon: "wait", title: "Testing the residual current monitor",
    text: "Charging begins once the test has passed.",
  },
  ventilation_required: {
    tone: "wait", icon: "warn", title: "Paused: the car asks for ventilation",
    text: "This station has no ventilation, so this car cannot charge here.",
  },
  contactor_rest: {
    tone: "idle", icon: "wait", title: "A moment’s rest",
    text: "The contactor pauses for a few seconds before it closes again.",
  },
  current_too_low: {
    tone: "wait", icon: "pause", title: "Paused: less than 6 A available",
    text: "A car cannot charge with less than 6 A. It goes on when more is available.",
  },
  start_delay: {
    tone: "idle", icon: "wait", title: "Starting soon",
    text: "A short delay spares the grid when many chargers begin at once.",
  },
  paused_by_limit: {
    tone: "wait", icon: "pause", title: "Paused by an energy manager",
    text: "Somebody who may limit this charger wants no charging now. It goes on when he permits it.",
  },
  controller_lost: {
    tone: "wait", icon: "wait", title: "Paused: the energy manager is silent",
    text: "It goes on when the energy manager is heard again.",
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

const AUTO = "By itself 60 s after the cause has gone.";
const RETRY = "By itself after 60 s, at most three times; then unplug the car.";

export const ERRORS = {
  pilot_fault: {
    title: "The car’s signal makes no sense",
    cause: "The control pilot wire has a voltage no car produces: a short circuit, moisture or a damaged cable.",
    act: "Unplug the car and look at plug and cable.", clears: AUTO,
  },
  diode_short: {
    title: "The car’s diode is missing",
    cause: "What is connected does not behave like a car: a short circuit, or a fault in the car’s charging socket.",
    act: "Unplug it. If it happens with one car only, have that car checked.", clears: RETRY,
  },
  lock_fault: {
    title: "The plug could not be locked",
    cause: "The lock did not reach its end position in any attempt.",
    act: "Push the plug in fully, then take the station out of service and back.",
    clears: "By that, or by a restart.",
  },
  unlock_fault: {
    title: "The plug could not be released",
    cause: "The lock did not open in any attempt.",
    act: "Take the strain off the cable, then take the station out of service and back.",
    clears: "By that, or by a restart.",
  },
  rcm_triggered: {
    title: "Residual current",
    cause: "Current leaks to earth in the car, the cable or the station.",
    act: "Unplug the car. If it comes back, do not use this car or cable and ask an electrician.",
    clears: RETRY,
  },
  rcm_selftest_fault: {
    title: "The residual current monitor failed its test",
    cause: "The monitor did not answer to its test before charging.",
    act: "Have the station checked if this comes back.", clears: AUTO,
  },
  temperature_high: {
    title: "Too hot",
    cause: "The station is warmer than its limit.",
    act: "Give it shade and air. A lower charging current helps.",
    clears: "By itself when it has cooled down by 5 °C.",
  },
  temperature_fault: {
    title: "Temperature unknown",
    cause: "The temperature sensor does not answer.",
    act: "Check the sensor and its wiring.", clears: "By itself with the next good reading.",
  },
  contactor_welded: {
    title: "The contactor does not open",
    cause: "Its contacts are stuck: the outlet is live although it should be off.",
    act: "Switch off the supply of the station and call an electrician.",
    clears: "By a restart, once the contactor is open.",
  },
  contactor_open_fault: {
    title: "The contactor does not close",
    cause: "It was told to close and did not.", act: "Have the contactor and its coil supply checked.",
    clears: RETRY,
  },
  overcurrent: {
    title: "The car takes too much current",
    cause: "It draws clearly more than it was offered.",
    act: "Have the car’s charger checked if this comes back.", clears: RETRY,
  },
  cable_fault: {
    title: "The cable’s coding makes no sense",
    cause: "The plug’s coding resistor is missing or shorted.",
    act: "Use another cable.", clears: "By itself when the cable is unplugged or good again.",
  },
  supply_fault: {
    title: "A supply voltage is missing",
    cause: "Mains or the pilot’s ±12 V supply is absent.",
    act: "Check the fuse and the station’s supply.", clears: "By itself when the supply is back.",
  },
  controller_fault: {
    title: "The controller failed",
    cause: "A converter, an output or the timing of the control loop failed.",
    act: "Restart the station; have it checked if this comes back.",
    clears: "By itself 60 s after it works again.",
  },
  emergency_stop: {
    title: "Emergency stop",
    cause: "The emergency stop is pressed.",
    act: "Remove the danger, release the stop, then take the station out of service and back.",
    clears: "By that.",
  },
};

export const PILOT_WORDS = {
  high: "steady +12 V",
  low: "steady −12 V",
  pwm: "1 kHz",
};
