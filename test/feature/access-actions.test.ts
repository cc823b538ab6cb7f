// Role × tenant × action × row of the work-orders example, against a table written by hand: the
// cells that access-matrix.test.ts has for the other operations. 9 callers × 7 actions, every row.
//
// Planted faults, each red before it was taken out again:
// - an action not asked for its roles (decideAction finds every action) -> cells of four roles
// - the record locked without the caller's rows -> cells of the technician
// - the record locked without its tenant, the wall taken down -> cells of the other manager
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectRefusal, withoutRequestId } from "../fixtures/refusals.ts";
import {
  createOrganization,
  type Organization,
  ROLES,
  type Role,
  rowCounts,
  storedRow,
} from "../fixtures/work-orders-world.ts";
import { type Reply, startTestBackend, type TestBackend } from "../support/backend.ts";

const ACTIONS = ["assign", "prioritize", "start", "hold", "complete", "cancel", "reopen"] as const;
type Action = (typeof ACTIONS)[number];
const ROWS = ["leak", "door", "lamp", "roof"];
const OUTSIDERS = [
  "no key",
  "an expired key",
  "a revoked key",
  "another tenant's manager",
] as const;
type Caller = Role | (typeof OUTSIDERS)[number];

/** The rows on which a role may run an action; of the others it sees none or may not. */
const MAY: Readonly<Partial<Record<Role, Readonly<Partial<Record<Action, readonly string[]>>>>>> = {
  manager: Object.fromEntries(ACTIONS.map((action) => [action, ROWS])),
  dispatcher: { assign: ROWS, prioritize: ROWS, hold: ROWS, cancel: ROWS, reopen: ROWS },
  // Begins, lays aside and ends what is assigned to them.
  technician: { start: ["leak"], hold: ["leak"], complete: ["leak"] },
  // Takes back what nobody works on yet.
  requester: { cancel: ["leak", "lamp"] },
};
const SEES = { technician: ["leak", "door"], requester: ["leak", "lamp"] } as Readonly<
  Partial<Record<Role, readonly string[]>>
>;
/** The state in which an action is possible, and the one that it leads to. */
const STATES = {
  assign: ["open", "assigned"],
  prioritize: ["open", "open"],
  hold: ["in_progress", "on_hold"],
  cancel: ["open", "cancelled"],
  reopen: ["done", "open"],
  start: ["assigned", "in_progress"],
  complete: ["in_progress", "done"],
} as const;

let backend: TestBackend;
let acme: Organization;
let rival: Organization;
const keys = {} as Record<Caller, string | undefined>;
const cells = new Set<string>();
beforeAll(async () => {
  backend = await startTestBackend("actioncells");
  acme = await createOrganization(backend, "Acme");
  // The rules of the domain are tried in the example's own tests.
  await backend.owner.query("update checklist_items set is_done = true");
  rival = await createOrganization(backend, "Rival");
  for (const role of ROLES) keys[role] = acme.people[role].key;
  keys["another tenant's manager"] = rival.people.manager.key;
  for (const [name, column] of [
    ["an expired key", "expires_at"],
    ["a revoked key", "revoked_at"],
  ] as const) {
    const { key, id } = await backend.person(acme.tenantId, "manager");
    keys[name] = key;
    await backend.owner.query(
      `update backwright.api_keys set ${column} = now() - interval '1 s' where subject = $1`,
      [id],
    );
  }
});
afterAll(() => backend?.close());

function act(caller: Caller, action: Action, id: string): Promise<Reply> {
  const key = keys[caller];
  const reason = "Said by hand";
  const bodies: Readonly<Record<Action, object>> = {
    assign: { technicianId: acme.people.technician.id },
    prioritize: { priority: "urgent" },
    start: {},
    hold: { reason },
    complete: {},
    cancel: { reason },
    reopen: { reason },
  };
  const body = bodies[action];
  const options = { body, ...(key === undefined ? {} : { key }) };
  return backend.request(`/v1/work-orders/${id}/${action}`, options);
}

describe.each(ACTIONS)("%s", (action) => {
  test.each<Caller>([...ROLES, ...OUTSIDERS])("by %s is what the table says", async (caller) => {
    const role = ROLES.find((one) => one === caller);
    const allowed = role && MAY[role]?.[action];
    const [before, after] = STATES[action];
    for (const name of [...ROWS, "none"]) {
      const id = acme.rows["work-orders"][name] ?? randomUUID();
      await reset(id, name, before);
      const stored = await storedRow(backend, "work_orders", id);
      const counts = await rowCounts(backend, ["work_orders"]);
      const reply = await act(caller, action, id);
      if (allowed?.includes(name) === true) {
        expect(reply.status, reply.text).toBe(200);
        expect((await storedRow(backend, "work_orders", id))?.status).toBe(after);
        continue;
      }
      if (role === undefined && caller !== "another tenant's manager") {
        expectRefusal(reply, 401, "UNAUTHENTICATED");
      } else if (role !== undefined && (allowed === undefined || SEES[role]?.includes(name))) {
        expectRefusal(reply, 403, "FORBIDDEN");
      } else {
        expectRefusal(reply, 404, "NOT_FOUND");
        const none = await act(caller, action, randomUUID());
        expect(withoutRequestId(reply)).toBe(withoutRequestId(none));
      }
      expect(await storedRow(backend, "work_orders", id)).toEqual(stored);
      expect(await rowCounts(backend, ["work_orders"])).toEqual(counts);
    }
    cells.add(`${action} ${caller}`);
  });
});

test("every cell has run", () => {
  expect(cells.size).toBe(7 * 9);
});

/** Every row as the world made it, in a state that the action may leave. */
async function reset(id: string, name: string, status: string): Promise<void> {
  await backend.owner.query(
    `update work_orders set status = $2, assignee_id = $3, closed_at = null, held_at = null
     where id = $1`,
    [id, status, name === "leak" ? acme.people.technician.id : null],
  );
}
