// How much of a long test is run: all of it, or the part that BACKWRIGHT_NIGHTLY_PART names, such
// as 0.1 on a machine with other work.

export function nightlyPart(whole: number): number {
  return Math.max(1, Math.round(whole * Number(process.env.BACKWRIGHT_NIGHTLY_PART ?? "1")));
}

/** That part of a list, spread over the whole of it. */
export function nightlySample<T>(list: readonly T[]): readonly T[] {
  const step = list.length / nightlyPart(list.length);
  return Array.from(
    { length: nightlyPart(list.length) },
    (_, at) => list[Math.floor(at * step)],
  ).filter((one) => one !== undefined);
}
