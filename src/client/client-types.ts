// The type of a whole client: for every resource its verbs, its actions and its aggregates.
import type { AggregateClient } from "./aggregate-types.ts";
import type { BatchClient, SeveralClient } from "./several-types.ts";
import type { ActionClient, ResourceClient } from "./types.ts";

export type Client<C> = {
  readonly [N in keyof C]: ResourceClient<N, C> &
    SeveralClient<N, C> &
    ActionClient<N, C> &
    AggregateClient<N, C>;
} & BatchClient<C>;
