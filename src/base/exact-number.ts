// Numbers of a request's JSON that a double might round: carried as JSON.rawJSON objects, which
// JSON.stringify writes with the digits that were sent.

/** TypeScript's library does not know these yet. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

/** Whether a double certainly holds it: at most fifteen digits and no extreme exponent. */
export function isPlainNumber(source: string): boolean {
  if (source.length > 15) return /^-?\d+$/.test(source) && Number.isSafeInteger(Number(source));
  const size = Math.abs(Number(source));
  return (size > 1e-290 && size < 1e290) || !/^[^eE]*[1-9]/.test(source);
}

/** The number as it was written; one that is none of finite size as the infinity that it is. */
export function writtenNumber(source: string): unknown {
  const value = Number(source);
  return Number.isFinite(value) ? rawJSON(source) : value;
}

/** A double, or a number that was kept as written. */
export function isNumber(value: unknown): boolean {
  return typeof value === "number" || isRawJSON(value);
}

/** The nearest double of a number that was kept as written; any other value as it is. */
export function roundedNumber(value: unknown): unknown {
  return isRawJSON(value) ? Number(value.rawJSON) : value;
}

/** The same document with the nearest double in place of every number that was kept as written. */
export function roundedNumbers(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isRawJSON(value)) return roundedNumber(value);
  if (Array.isArray(value)) return value.map(roundedNumbers);
  const members = Object.entries(value).map(([key, one]) => [key, roundedNumbers(one)] as const);
  return Object.fromEntries(members);
}

/** Noughts of the numbers of a document once exponents are written out: 1e400 has 400. */
export function noughtsOf(value: unknown): number {
  if (isNumber(value)) {
    const source = isRawJSON(value) ? value.rawJSON : String(value);
    const at = source.toLowerCase().indexOf("e");
    return at === -1 ? 0 : Math.abs(Number(source.slice(at + 1)));
  }
  if (typeof value !== "object" || value === null) return 0;
  return Object.values(value).reduce((sum: number, one) => sum + noughtsOf(one), 0);
}
