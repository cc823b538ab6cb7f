// The door of "backwright/client": browser-safe, no dependencies.
export { type ClientOptions, createClient } from "./client.ts";
export { ApiError, type ApiErrorDetail } from "./errors.ts";
export type {
  ActionClient,
  CallOptions,
  Client,
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
