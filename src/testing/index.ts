// The door of "backwright/testing".
export type { ActorOptions, RequestOptions, TestActor, TestReply } from "./actor.ts";
export type { Scenario } from "./scenario.ts";
export { startTestBackend, type TestBackend, type TestBackendOptions } from "./test-backend.ts";
