// The log: one JSON object a line on standard output, by pino. Credentials are redacted even if
// somebody hands them over by mistake.
import { pino } from "pino";
import type { Log } from "../base/log.ts";

export interface ProcessLog extends Log {
  /** Writes what is buffered; call before the process ends. */
  flush(): void;
}

// Serializers rather than pino's redact, which copies every line (3 % of a read).
const NEVER_LOGGED = ["authorization", "cookie", "password", "secret", "token", "key"];
const redacted = NEVER_LOGGED.map((name) => [name, () => "[redacted]"] as const);

/** `destination` is a file descriptor: 1 is standard output. */
export function createLog(level: string, destination = 1): ProcessLog {
  const stream = pino.destination({ fd: destination, sync: false, minLength: 4_096 });
  const flushing = setInterval(() => stream.flush(), 200).unref();
  const serializers = { err: describeError, ...Object.fromEntries(redacted) };
  const logger = pino({ level, base: null, serializers }, stream);
  return {
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    flush() {
      clearInterval(flushing);
      try {
        stream.flushSync();
      } catch {
        // Nothing was ever written: the stream is not open yet.
      }
    },
  };
}

// Chosen properties only: a driver's error also carries rows and values.
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const { kind, sqlState, constraint } = error as { [property: string]: unknown } & Error;
  return { name, message, stack, kind, sqlState, constraint };
}
