/** Numbers of an axis. */

/** Round steps between two ends, about `count` of them. @param {number} low @param {number} high @param {number} count @returns {number[]} */
export function ticks(low, high, count) {
  const rough = (high - low) / Math.max(1, count) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough * 0.999) ?? rough;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** The end of an axis from zero: the next round step. @param {number} high @param {number} count */
export function roundUp(high, count) {
  const steps = ticks(0, high, count);
  const step = (steps[1] ?? high) - (steps[0] ?? 0) || 1;
  return Math.ceil(high / step - 1e-9) * step;
}
