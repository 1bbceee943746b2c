// Numbers and times as people read them.

const plain = (digits) =>
  new Intl.NumberFormat(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });

const one = plain(1);
const two = plain(2);
const upToOne = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

const WS_PER_KWH = 3600000;

export const kilowatts = (watts) => two.format(watts / 1000);
export const shortKilowatts = (watts) =>
  watts >= 10000 ? one.format(watts / 1000) : two.format(watts / 1000);
export const kilowattHours = (wattSeconds) => two.format(wattSeconds / WS_PER_KWH);
export const amperes = (value) => upToOne.format(value);
export const measuredAmperes = (value) => two.format(value);
export const volts = (value) => one.format(value);
export const degrees = (value) => one.format(value);
export const percent = (millionths) => one.format(millionths / 10000);
export const milliseconds = (microseconds) => one.format(microseconds / 1000);

export function duration(seconds) {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = minutes < 10 ? ` ${String(seconds % 60).padStart(2, "0")} s` : "";
  if (hours > 0) {
    return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  }
  return minutes > 0 ? `${minutes} min${rest}` : `${seconds} s`;
}
