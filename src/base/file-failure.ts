// Why a file or a folder could not be used, in words instead of an operating system's code.
import { StartError } from "./errors.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EISDIR: "is a folder, not a file",
  ENOTDIR: "is, or lies below, a file that is no folder",
  EEXIST: "is a file, not a folder",
  EACCES: "may not be opened by this user",
  EPERM: "may not be opened by this user",
  EROFS: "lies on a disk that may not be written to",
  ENOSPC: "does not fit: the disk is full",
  ELOOP: "is a link that leads back to itself",
  ENAMETOOLONG: "has a name that is too long",
};

/** `what` is the path with what it is for. Anything but a failure of the file system is kept. */
export function fileFailure(what: string, cause: unknown, fix: string): unknown {
  const { code } = (cause ?? {}) as { code?: unknown };
  if (!(cause instanceof Error) || typeof code !== "string" || !/^E[A-Z]/.test(code)) return cause;
  return new StartError(`${what} ${REASONS[code] ?? `cannot be used: ${code}`}.`, { fix, cause });
}
