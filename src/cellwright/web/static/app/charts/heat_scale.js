/** Colours of measured values: even steps in OKLab between the ends of the diverging tokens. */

/** @typedef {{lower?: number | null, target?: number | null, upper?: number | null}} Limits */
/** @typedef {{low: number, middle: number, high: number, least: number, most: number}} Domain the ends and the middle of the scale, and how far values go */

const STEPS = 64;

/** Where the scale begins, lies in the middle and ends: at the limits, else as far as the values go.
 * @param {Limits} limits @param {(number | null)[]} values @returns {Domain} */
export function domainOf({ lower, target, upper }, values) {
  let [least, most] = [Infinity, -Infinity];
  for (const each of values) {
    if (each !== null) [least, most] = [Math.min(least, each), Math.max(most, each)];
  }
  if (least > most) [least, most] = [0, 1];
  const middle = target ?? ((lower ?? least) + (upper ?? most)) / 2;
  const reach = Math.max(most - middle, middle - least) || Math.abs(middle) * 0.01 || 1;
  return { low: lower ?? middle - reach, middle, high: upper ?? middle + reach, least, most };
}

/** A function from values to colours; beyond the ends it stays at the end's colour.
 * @param {{low: number, middle: number, high: number}} domain @param {string} cold @param {string} grey @param {string} warm */
export function rampOf({ low, middle, high }, cold, grey, warm) {
  const ramp = Array.from({ length: 2 * STEPS + 1 }, (_, step) => `color-mix(in oklab, ${step < STEPS ? cold : warm} ${(Math.abs(step - STEPS) / STEPS) * 100}%, ${grey})`);
  /** @param {number} value */
  return (value) => {
    const share = (value - middle) / ((value < middle ? middle - low : high - middle) || 1);
    return ramp[Math.round((Math.max(-1, Math.min(1, share)) + 1) * STEPS)] ?? grey;
  };
}
