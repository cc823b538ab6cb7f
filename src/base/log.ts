// The log interface that every folder may use. The implementation (pino) lives in observe/.

export type LogFields = Readonly<Record<string, unknown>>;

/** Structured log: fields first, then one sentence. Fields never hold secrets or bodies. */
export interface Log {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}
