// What the peers share: the bodies and queries that they take, checked by Zod, and the page. As
// with drizzle-fastify the organization comes in a header; nothing checks keys.
import { z } from "zod";

export const ID = z.uuid();

export const CREATE = z.strictObject({
  title: z.string(),
  description: z.string().nullable().exactOptional(),
  siteId: z.uuid(),
  assetId: z.uuid().nullable().exactOptional(),
  requesterId: z.uuid(),
  priority: z.enum(["low", "normal", "high", "urgent"]).exactOptional(),
  dueAt: z.iso.datetime({ offset: true }).nullable().exactOptional(),
});

export const LIST = z.object({
  "filter[status]": z.string(),
  "filter[dueAt][lt]": z.iso.datetime({ offset: true }),
});

export const PAGE_SIZE = 25;
export const POOL_SIZE = Number(process.env.POOL_SIZE ?? "8");

interface Listed {
  readonly id: string;
  readonly dueAt: Date | null;
}

/** The envelope of a page, with a cursor that is not signed, of up to one row more than a page. */
export function pageOf<T extends Listed>(rows: readonly T[]) {
  const data = rows.slice(0, PAGE_SIZE);
  const last = data.at(-1);
  const hasMore = rows.length > PAGE_SIZE;
  const next =
    hasMore && last !== undefined
      ? Buffer.from(JSON.stringify([last.id, last.dueAt])).toString("base64url")
      : null;
  return { data, meta: { pagination: { size: PAGE_SIZE, next, prev: null, hasMore } } };
}

/** Drops what the replies do not show. */
export function shown<T extends { readonly organizationId?: string }>({
  organizationId: _,
  ...rest
}: T): Omit<T, "organizationId"> {
  return rest;
}
