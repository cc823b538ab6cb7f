import { z } from "zod";
import type { Client } from "../../../src/client/index.ts";
import { action, event, resource } from "../app/domain.ts";
import { type Api, close, workOrderAssigned } from "../app/resources.ts";

const scope = "tenant";
const access = {};

// Mistake: a misspelt action in a grant.
resource("workOrders", {
  scope,
  access: { technician: { read: true, actions: ["strat"] } },
  actions: { start: { async run() {} } },
});

// Mistake: a misspelt role of an action.
resource("workOrders", {
  scope,
  access,
  actions: { start: { access: ["tecnician"], async run() {} } },
});

// Mistake: an action without run.
resource("workOrders", { scope, access, actions: { start: { access: ["manager"] } } });

// Mistake: a misspelt word of an action.
action("workOrders", { acess: ["manager"], async run() {} });

// Mistake: an action of another table.
resource("assets", { scope, access, actions: { close } });

// Mistake: a field of the input that is not declared.
action("workOrders", {
  input: z.object({ reason: z.string() }),
  async run({ input }) {
    void input.reazon;
  },
});

// Mistake: a field of the record that is not there.
action("workOrders", {
  async run({ record }) {
    void record.titel;
  },
});

// Mistake: a misspelt field in a change.
action("workOrders", {
  async run({ change }) {
    await change({ statuz: "open" });
  },
});

// Mistake: a state that does not exist in a change.
action("workOrders", {
  async run({ change }) {
    await change({ status: "opn" });
  },
});

// Mistake: a field in a change that Backwright keeps.
action("workOrders", {
  async run({ change }) {
    await change({ version: 1 });
  },
});

// Mistake: half of a payload.
action("workOrders", {
  async run({ record, emit }) {
    await emit(workOrderAssigned, { id: record.id });
  },
});

// Mistake: an operation on a table that there is not.
action("workOrders", {
  async run({ ops }) {
    await ops.workOrderz.get("1");
  },
});

// Mistake: a misspelt field of what an operation writes.
action("workOrders", {
  async run({ ops, record }) {
    await ops.workOrders.update(record.id, { statuz: "open" });
  },
});

// Mistake: a claim that is not declared.
action("workOrders", {
  async run({ actor }) {
    void actor.teamIdz;
  },
});

// Mistake: another output than is declared.
action("workOrders", {
  output: z.object({ id: z.uuid() }),
  // Starts here.
  async run({ record }) {
    return { id: record.version };
  },
});

// Mistake: an event without its payload.
event("workOrder.closed");

declare const client: Client<Api>;

// Mistake: an action that there is not.
await client.workOrders.asign("1", { technicianId: "x" });

// Mistake: a misspelt word of the input.
await client.workOrders.assign("1", { technician: "x" });

// Mistake: no input where there must be one.
await client.workOrders.assign("1");

// Mistake: an input where there is none.
await client.workOrders.start("1", { now: true });
