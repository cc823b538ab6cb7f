// The door of "backwright/client": browser-safe, no dependencies.
export { type ClientOptions, createClient } from "./client.ts";
export { ApiError, type ApiErrorDetail } from "./errors.ts";
export type {
  ActionClient,
  BatchOperation,
  BatchReply,
  BulkOptions,
  BulkOutcome,
  BulkReply,
  BulkTarget,
  CallOptions,
  Client,
  Filter,
  Include,
  ListQuery,
  Page,
  RecordQuery,
  Reply,
  ResourceClient,
  Result,
  SortKey,
  UpdateOptions,
  WriteOptions,
} from "./types.ts";
