// A compiled statement: a text that never changes and the slots that each request fills.
// Identifiers come from the model, values only ever through parameters.

/** PostgreSQL's text form of a value; null is SQL's NULL. */
export type Value = string | null;

type Slot =
  | { readonly kind: "claim"; readonly claim: string }
  | { readonly kind: "input"; readonly index: number };

export interface Statement {
  /** Distinguishes statements within this process; the text decides what it does. */
  readonly id: number;
  readonly text: string;
  readonly slots: readonly Slot[];
  /** Of each column, whether it comes as binary; its rows are RowBytes. Undefined: all text. */
  readonly binary?: readonly boolean[];
}

/** A statement whose rows are left as bytes. */
export interface RecordStatement extends Statement {
  readonly binary: readonly boolean[];
}

let statements = 0;

/**
 * Collects the parameters of one statement, and numbers the rows that it looks at. The same claim
 * or input keeps one number.
 */
export class Parameters {
  readonly #slots: Slot[] = [];
  readonly #numbers = new Map<string, number>();
  #aliases = 0;

  /** A value that is known about the caller, such as `tenantId`. */
  claim(claim: string, sqlType: string): string {
    return this.#reference(`claim ${claim}`, { kind: "claim", claim }, sqlType);
  }

  /** A value of the request, by its place among the inputs. */
  input(index: number, sqlType: string): string {
    return this.#reference(`input ${index}`, { kind: "input", index }, sqlType);
  }

  /**
   * A name for the rows of one more sub-select. Names made of relations would be cut at 63 bytes,
   * so that two of them could be one.
   */
  alias(): string {
    this.#aliases += 1;
    return `t${this.#aliases}`;
  }

  statement(text: string): Statement {
    statements += 1;
    return Object.freeze({ id: statements, text, slots: this.#slots });
  }

  /** `binary` has an entry for each column. */
  recordStatement(text: string, binary: readonly boolean[]): RecordStatement {
    return Object.freeze({ ...this.statement(text), binary });
  }

  #reference(key: string, slot: Slot, sqlType: string): string {
    const known = this.#numbers.get(key);
    const number = known ?? this.#slots.push(slot);
    if (known === undefined) this.#numbers.set(key, number);
    return `$${number}::${sqlType}`;
  }
}

/** The parameter values of one execution. A claim that the caller lacks is NULL: no row matches. */
export function bind(
  statement: Statement,
  claims: Readonly<Record<string, Value>>,
  inputs: readonly Value[],
): Value[] {
  return statement.slots.map((slot) =>
    slot.kind === "claim" ? (claims[slot.claim] ?? null) : (inputs[slot.index] ?? null),
  );
}
