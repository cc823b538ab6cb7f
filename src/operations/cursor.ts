// Page cursors: the sort keys and id of a row, signed. A cursor is bound to the tenant and to the
// filters and sort that it came from; a forged, edited or foreign one is refused.
import { createHmac, timingSafeEqual } from "node:crypto";
import { BackwrightError } from "../base/errors.ts";
import type { Value } from "../sql/statement.ts";

export interface CursorPosition {
  /** The sort keys as PostgreSQL wrote them: through a JS Date a walk met 10 rows of 1,000. */
  readonly keys: readonly Value[];
  readonly id: string;
}

const MAC_BYTES = 16;

export class CursorSigner {
  readonly #secret: string;

  constructor(secretKey: string) {
    // A key of its own, so that a signature of another use never passes for a cursor's.
    this.#secret = createHmac("sha256", secretKey).update("page cursor").digest("hex");
  }

  /** `binding` names the tenant and the query that the cursor belongs to. */
  sign(position: CursorPosition, binding: string): string {
    const payload = Buffer.from(JSON.stringify([position.id, ...position.keys]));
    return Buffer.concat([this.#mac(payload, binding), payload]).toString("base64url");
  }

  /** Throws CURSOR_INVALID naming the parameter. */
  open(cursor: string, binding: string, parameter: string): CursorPosition {
    const bytes = Buffer.from(cursor, "base64url");
    const payload = bytes.subarray(MAC_BYTES);
    const given = bytes.subarray(0, MAC_BYTES);
    const isWhole = given.length === MAC_BYTES && bytes.toString("base64url") === cursor;
    if (!isWhole || !timingSafeEqual(given, this.#mac(payload, binding))) {
      throw new BackwrightError("CURSOR_INVALID", {
        details: [{ field: parameter, message: "was not issued for this list, filter and sort" }],
      });
    }
    const [id, ...keys] = JSON.parse(payload.toString()) as [string, ...Value[]];
    return { id, keys };
  }

  #mac(payload: Uint8Array, binding: string): Buffer {
    const mac = createHmac("sha256", this.#secret).update(binding).update("\0").update(payload);
    return mac.digest().subarray(0, MAC_BYTES);
  }
}
