// Medians and quartiles.

/** Linear between the two nearest values (type 7 of Hyndman and Fan, as R and NumPy do). */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
export const lowerQuartile = (values: readonly number[]): number => quantile(values, 0.25);

/** To as many decimals as a reader can use. */
export function round(value: number, decimals = 2): number {
  return Number(value.toFixed(decimals));
}
