// The door of "backwright/client": browser-safe, no dependencies.

export type {
  AggregateMethods,
  AggregatePage,
  AggregateQuery,
  AggregateRow,
} from "./aggregate-types.ts";
export { type ClientOptions, createClient } from "./client.ts";
export type { Client } from "./client-types.ts";
export { ApiError, type ApiErrorDetail } from "./errors.ts";
export type {
  BatchOperation,
  BatchReply,
  BulkOptions,
  BulkOutcome,
  BulkReply,
  BulkTarget,
  Result,
  SeveralClient,
} from "./several-types.ts";
export type {
  ActionClient,
  CallOptions,
  Filter,
  Include,
  ListQuery,
  Page,
  RecordQuery,
  Reply,
  ResourceClient,
  SortKey,
  UpdateOptions,
  WriteOptions,
} from "./types.ts";
