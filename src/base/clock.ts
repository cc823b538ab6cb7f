// The one place that reads the process clock, so that a search for time finds it here.
// Expiry that several processes must agree on is decided by the database's clock, not by this one.

/** Milliseconds since the Unix epoch. May step backwards when the machine's clock is corrected. */
export function now(): number {
  return Date.now();
}

/** Milliseconds from an arbitrary start, never going backwards: for durations only. */
export function monotonicMs(): number {
  return performance.now();
}
