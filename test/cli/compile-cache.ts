// Where started processes keep compiled code: it halves their start. Node checks what it finds by
// its source, so nothing in here can be stale; it lies where an installation throws it away.
import { join } from "node:path";

export const COMPILE_CACHE = join(
  import.meta.dirname,
  "../../node_modules/.cache/backwright-compiled",
);
