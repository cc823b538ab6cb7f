// What ends an import before its end. Rows that were sent are there; the same command goes on.

/** `fix` says what to do next; `exitCode` is 2, or 130 when somebody interrupted. */
export class ImportStopped extends Error {
  override readonly name = "ImportStopped";
  readonly fix: string;
  readonly exitCode: number;

  constructor(message: string, fix: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.fix = fix;
    this.exitCode = options.exitCode ?? 2;
  }
}
