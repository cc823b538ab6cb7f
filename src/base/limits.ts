// Every bound that protects the server from its callers, in one place, with its reason.

/** Rows a page may hold, and the default. LIMIT in SQL is one of PAGE_BUCKETS plus one row. */
export const PAGE_SIZE_DEFAULT = 25;
export const PAGE_SIZE_MAX = 100;

// LIMIT as a parameter keeps PostgreSQL from holding a generic plan: it is one of three literals.
export const PAGE_BUCKETS = [25, 50, 100] as const;

/** Rows that an offset may step over: each of them is read. Cursors reach any depth at one cost. */
export const OFFSET_MAX = 10_000;

// For the same reason as PAGE_BUCKETS: how many rows an offset may step over stands in the text.
export const OFFSET_BUCKETS = [100, 1_000, OFFSET_MAX] as const;

/** Where an estimated count stops counting. */
export const COUNT_ESTIMATE_MAX = 10_000;

/**
 * Records that a pattern or a search may find among those that the caller sees; more are refused,
 * because which of them are read would be chance.
 */
export const FINDER_MATCHES_MAX = 10_000;

/** Characters of a pattern or a search: what is matched against every row that is found. */
export const SEARCH_TEXT_MAX = 256;

/** Characters of a field from which highlights are taken, and up to which it is shown whole. */
export const HIGHLIGHT_TEXT_MAX = 20_000;
export const HIGHLIGHT_WHOLE_MAX = 200;

/** Groups of one aggregate. More are refused, unless only the first of them are asked for. */
export const AGGREGATE_GROUPS_MAX = 1_000;

/** Fields to group by, and measures, in one aggregate. */
export const AGGREGATE_FIELDS_MAX = 10;

/** Values in one `in` or `nin` filter. Each is an index scan of its own when a sort follows it. */
export const IN_VALUES_MAX = 20;

/** Conditions in one list, those in groups counted with the others. */
export const FILTERS_MAX = 20;

/** How deep groups of conditions nest. */
export const FILTER_DEPTH_MAX = 3;

/** Alternatives that the groups of one list may come to: each is an index scan of its own. */
export const OR_ARMS_MAX = 8;

/** Index scans that the values of lists may make in all alternatives together. */
export const VALUE_SCANS_MAX = 20;

/** Fields in one sort, the id not counted. Behind a cursor each costs up to two runs. */
export const SORT_FIELDS_MAX = 4;

/** Records of a to-many relation in an included page, and the default. */
export const INCLUDED_SIZE_DEFAULT = 10;
export const INCLUDED_SIZE_MAX = 50;

/** Relations that one `include` may follow one after the other, and name in all. */
export const INCLUDE_DEPTH_MAX = 3;
export const INCLUDES_MAX = 12;

/** Records of to-many relations that one reply may hold. */
export const INCLUDED_ROWS_MAX = 2_500;

/** Records in one bulk request: their locks are held until all are written. */
export const BULK_RECORDS_MAX = 500;

/** Operations in one batch, which is one transaction. */
export const BATCH_OPERATIONS_MAX = 50;

/** Bytes of an Idempotency-Key. */
export const IDEMPOTENCY_KEY_BYTES_MAX = 255;

/** Bytes of one reply, and of what is read for it: all of it is held in memory at once. */
export const REPLY_BYTES_MAX = 32 * 1_048_576;

/** Milliseconds for which a verified credential is believed without asking the database again. */
export const CREDENTIAL_CACHE_MS = 5_000;

/** Living credentials held in memory, and as many unknown ones; the oldest leaves first. */
export const CREDENTIAL_CACHE_ENTRIES = 10_000;

/** New credentials looked up at once, and how many wait; known ones are renewed beside them. */
export const CREDENTIAL_LOOK_UPS_MAX = 16;
export const CREDENTIAL_LOOK_UPS_WAITING_MAX = 2_000;

/** Prepared statements kept by name on one connection; each costs PostgreSQL about 80 KB. */
export const PREPARED_STATEMENTS_MAX = 200;

/** Statement texts kept in memory by shape; a text costs a few kilobytes. */
export const SHAPES_MAX = 2_000;

/** Limits on what one request may look like. */
export interface RequestLimits {
  readonly bodyBytesMax: number;
  readonly urlBytesMax: number;
  readonly headerBytesMax: number;
  readonly jsonDepthMax: number;
  /** Milliseconds until the whole request must have arrived. */
  readonly requestMsMax: number;
  /** Milliseconds that an idle keep-alive connection stays open. */
  readonly keepAliveMs: number;
}

export const REQUEST_LIMITS: RequestLimits = {
  bodyBytesMax: 1_048_576,
  urlBytesMax: 8_192,
  headerBytesMax: 16_384,
  jsonDepthMax: 32,
  requestMsMax: 30_000,
  keepAliveMs: 72_000, // LIMIT: longer than the 60 s of common load balancers, so they close first.
};
