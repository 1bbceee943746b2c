// Hours of the week as the station keeps them: for each day 24 bits, bit 0 is midnight to one.

import { N } from "../kit/words.js";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
export const ALL_DAY = 2 ** 24 - 1;
const WEEK_H = 168;

export const marked = (schedule, day, hour) => Boolean((schedule[DAYS[day]] >> hour) & 1);

export function withHour(schedule, day, hour, on) {
  const bit = 2 ** hour;
  const bits = schedule[DAYS[day]] ?? 0;
  return { ...schedule, [DAYS[day]]: on ? bits | bit : bits & ~bit };
}

// The hours from start up to end of some days; over midnight they go on with the day after each.
export function withHours(schedule, days, start, end, on) {
  let next = schedule;
  const length = end > start ? end - start : end + 24 - start;
  for (const name of days) {
    for (let after = 0; after < length; after += 1) {
      const hour = start + after;
      next = withHour(next, (DAYS.indexOf(name) + Math.floor(hour / 24)) % 7, hour % 24, on);
    }
  }
  return next;
}

const targetOf = (action) => (action.startsWith("ch_cur") ? "current" : action);

// Pairs of schedules that drive the same thing and are both marked in some hour.
export function conflicts(schedules) {
  const found = [];
  schedules.forEach((one, place) => {
    for (let other = place + 1; other < schedules.length; other += 1) {
      const two = schedules[other];
      const same = targetOf(one.action) === targetOf(two.action);
      if (same && DAYS.some((day) => one[day] & two[day])) found.push([place, other]);
    }
  });
  return found;
}

const SAID = {
  enable: [N("charging on"), N("charging off")], available: [N("in service"), N("out of service")],
  ch_cur_6a: [N("current 6 A"), N("usual current")], ch_cur_8a: [N("current 8 A"), N("usual current")], ch_cur_10a: [N("current 10 A"), N("usual current")],
};

export const actionOf = (action, on) => SAID[action]?.[on ? 0 : 1] ?? action;

// Day (0 is Monday) and hour of a moment on the station's wall; null for a zone that is no name.
function placeOf(seconds, zone) {
  try {
    const parts = new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", hour: "2-digit", hourCycle: "h23" }).formatToParts(seconds * 1000);
    const of = (type) => parts.find((part) => part.type === type).value;
    return { day: DAYS.indexOf(of("weekday").toLowerCase()), hour: Number(of("hour")) };
  } catch {
    return null;
  }
}

// The next hour in which something changes: {day, hour, changes: [{schedule, on}]}, undefined when
// nothing does, null when it cannot be told.
export function nextEvent(schedules, seconds, zone) {
  const now = placeOf(seconds, zone);
  if (!now) return null;
  for (let ahead = 1; ahead <= WEEK_H; ahead += 1) {
    const at = (now.day * 24 + now.hour + ahead) % WEEK_H;
    const [day, hour] = [Math.floor(at / 24), at % 24];
    const before = (at + WEEK_H - 1) % WEEK_H;
    const changes = schedules
      .map((schedule) => ({ schedule, on: marked(schedule, day, hour), was: marked(schedule, Math.floor(before / 24), before % 24) }))
      .filter(({ on, was }) => on !== was);
    if (changes.length) return { day, hour, changes };
  }
  return undefined;
}

export function wallClock(seconds, zone, language) {
  const options = { weekday: "long", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  try {
    return new Intl.DateTimeFormat(language, { ...options, timeZone: zone }).format(seconds * 1000);
  } catch {
    return `${new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" }).format(seconds * 1000)} UTC`;
  }
}
