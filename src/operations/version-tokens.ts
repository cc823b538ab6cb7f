// Versions as callers may hold them. Who may read the field `version` holds it as it is; who may
// only change the record holds it sealed, good for saying which version is meant and for nothing
// else; whoever only reads holds none. A sealed version is one AES block of version and record.
import { createCipheriv, createDecipheriv, createHmac, hash, timingSafeEqual } from "node:crypto";
import type { Actor } from "../access/actor.ts";
import { grantOf } from "../access/decide.ts";
import { BackwrightError } from "../base/errors.ts";
import type { ResourceModel } from "../model/model.ts";
import type { Value } from "../sql/statement.ts";

const CIPHER = "aes-128-ecb"; // One block, and a version of a record has one sealed form.
const VERSION_BYTES = 4;
const NO_VERSION = "0"; // They begin at 1.
const SEALED = /^~([A-Za-z0-9_-]{22})$/;

type Reader = Pick<Actor, "role">;

/** Whether the role may know versions of the resource's records. */
export function readsVersions(actor: Reader, resource: ResourceModel): boolean {
  const { versionField } = resource.table;
  const fields = grantOf(actor, resource, "read")?.fields;
  return versionField !== undefined && fields?.includes(versionField) === true;
}

/** For versions in bodies, which are plain. Throws VALIDATION_ERROR for who may not know them. */
export function requireReadable(
  version: string | undefined,
  resource: ResourceModel,
  actor: Reader,
): void {
  if (version === undefined || resource.table.versionField === undefined) return;
  if (readsVersions(actor, resource)) return;
  const message = "is not a field that you may read; send If-Match with a record by itself";
  throw new BackwrightError("VALIDATION_ERROR", { details: [{ field: "version", message }] });
}

export class VersionTokens {
  readonly #key: Buffer;

  constructor(secretKey: string) {
    // A key of its own, as for cursors.
    this.#key = createHmac("sha256", secretKey).update("record version").digest().subarray(0, 16);
  }

  /** Undefined where the record has no version, or none for this reader. */
  show(
    { id, version }: { readonly id: string; readonly version: Value },
    resource: ResourceModel,
    actor: Reader,
  ): string | undefined {
    if (version === null) return undefined;
    if (readsVersions(actor, resource)) return version;
    if (!changes(actor, resource)) return undefined;
    const block = Buffer.alloc(VERSION_BYTES);
    block.writeUInt32BE(Number(version));
    const cipher = createCipheriv(CIPHER, this.#key, null).setAutoPadding(false);
    const sealed = Buffer.concat([
      cipher.update(Buffer.concat([block, markOf(id)])),
      cipher.final(),
    ]);
    return `~${sealed.toString("base64url")}`;
  }

  /**
   * The version that a token names, or one that no record has: for a token that this reader was
   * not given, or not for this record. So who may do what is decided before, as for any version.
   */
  open(token: string, id: string | undefined, resource: ResourceModel, actor: Reader): string {
    const sealed = SEALED.exec(token)?.[1];
    const isPlain = sealed === undefined;
    const isKept = resource.table.versionField !== undefined;
    if (isPlain && (!isKept || readsVersions(actor, resource))) return token;
    if (isPlain || id === undefined) return NO_VERSION;
    const decipher = createDecipheriv(CIPHER, this.#key, null).setAutoPadding(false);
    const bytes = Buffer.from(sealed, "base64url");
    const block = Buffer.concat([decipher.update(bytes), decipher.final()]);
    const isOfRecord = timingSafeEqual(block.subarray(VERSION_BYTES), markOf(id));
    return isOfRecord ? String(block.readUInt32BE()) : NO_VERSION;
  }
}

function markOf(id: string): Buffer {
  return hash("sha256", id, "buffer").subarray(0, 16 - VERSION_BYTES);
}

function changes(actor: Reader, resource: ResourceModel): boolean {
  const verbs = ["update", "delete", "actions"] as const;
  return verbs.some((verb) => grantOf(actor, resource, verb) !== undefined);
}
