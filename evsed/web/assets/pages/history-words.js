// Words and numbers of the history.

import { N, number, place } from "../kit/words.js";
import { REASONS } from "./reasons.js";

const WS_PER_KWH = 3600000; // the history is always in Ws

export const energy = (ws) => number(ws / WS_PER_KWH, 2);

// A currency is what the owner wrote: usually a code, sometimes only a sign.
export function money(value, currency) {
  try {
    return new Intl.NumberFormat(place(), { style: "currency", currency }).format(value);
  } catch {
    return `${number(value, 2)} ${currency}`;
  }
}

export function nameOfMonth(month) {
  const [year, number_] = month.split("-").map(Number);
  const format = new Intl.DateTimeFormat(place(), { month: "long", year: "numeric", timeZone: "UTC" });
  return format.format(Date.UTC(year, number_ - 1, 1));
}

export const END = {
  unplugged: N("Unplugged"),
  fault: N("Ended by a fault"),
  out_of_service: N("Taken out of service"),
  interrupted: N("Gone while the charger was off"),
};

const STOP = {
  vehicle_not_asking: N("The car wanted no more"),
  disabled: N("Paused"),
  consumption_limit: N("Energy limit reached"),
  charging_time_limit: N("Time limit reached"),
  under_power_limit: N("The car drew too little"),
  paused_by_limit: N("Paused by an energy manager"),
  shutting_down: N("Restart of the charger"),
  fault: N("Stopped by a fault"),
  unplugged: N("Unplugged while charging"),
};

export const AUTHORIZED = {
  not_required: N("not required"),
  not_given: N("not given"),
  unknown: N("not known"),
  rest: N("on this page or by a program (REST)"),
  modbus: N("by Modbus"),
  ocpp: N("by OCPP"),
  mqtt: N("by MQTT"),
  at: N("by AT command"),
  nextion: N("at the display"),
  script: N("by a script"),
};

// Why charging stopped, null when it never began or goes on.
export const stopOf = ({ stopReason }) =>
  stopReason === null || stopReason === "charging" ? null : STOP[stopReason] ?? REASONS[stopReason]?.title ?? null;
