import type { ContractOf } from "backwright";
import { backend } from "./domain.ts";
import { tasks } from "./resources/tasks.ts";

const app = backend({ name: "__NAME__", resources: { tasks } });

export default app;
/** For the typed client: `createClient<Api>({ url, key })` of "backwright/client". */
export interface Api extends ContractOf<typeof app> {}
