// Numbers of a request's JSON that no double holds: carried as JSON.rawJSON objects, which
// JSON.stringify writes with the digits that were sent.

/** TypeScript's library does not know these yet. */
const { rawJSON, isRawJSON } = JSON as unknown as {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
};

/** The number as a double, where that loses nothing, or else as it was written. */
export function exactNumber(source: string, value: number): unknown {
  return decimalForm(source) === decimalForm(String(value)) ? value : rawJSON(source);
}

/** The nearest double of a number that was kept exactly; any other value as it is. */
export function roundedNumber(value: unknown): unknown {
  return isRawJSON(value) ? Number(value.rawJSON) : value;
}

/** The same document with the nearest double in place of every number that was kept exactly. */
export function roundedNumbers(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isRawJSON(value)) return roundedNumber(value);
  if (Array.isArray(value)) return value.map(roundedNumbers);
  const members = Object.entries(value).map(([key, one]) => [key, roundedNumbers(one)] as const);
  return Object.fromEntries(members);
}

/** Digits without zeros around them, and the power of ten: one spelling for one value. */
function decimalForm(text: string): string {
  const [, sign = "", whole = "", fraction = "", power = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const trimmed = digits.replace(/0+$/, "");
  if (trimmed === "") return "0";
  const exponent = Number(power) - fraction.length + (digits.length - trimmed.length);
  return `${sign}${trimmed}e${exponent}`;
}
