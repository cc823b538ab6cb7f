// A small organization for the tests of the rules: its people, one site, and orders on demand.
import { startTestBackend, type TestActor } from "backwright/testing";
import type { Api } from "../backend.ts";

/** Close `backend` in `after`. */
export async function startWorld() {
  const backend = await startTestBackend({ project: `${import.meta.dirname}/..` });
  const tenantId = await backend.tenant({ name: "Harbour" });
  const first = await backend.actor({ tenantId, role: "manager" });

  /** Somebody who has a row of their own, so that work orders can name them. */
  async function person(role: string, name: string): Promise<TestActor> {
    const email = `${name.toLowerCase()}@example.org`;
    const { id } = await first.client<Api>().users.create({ name, email });
    return backend.actor({ tenantId, role, id });
  }

  const manager = await person("manager", "Maria");
  const dispatcher = await person("dispatcher", "Dinis");
  const technician = await person("technician", "Tove");
  const requester = await person("requester", "Rita");
  const client = manager.client<Api>();
  const { id: siteId } = await client.sites.create({ name: "Pier 1" });

  const order = (title: string, more: Partial<Api["workOrders"]["write"]> = {}) =>
    client.workOrders.create({ title, siteId, requesterId: requester.id, ...more });

  /** An order that the technician has begun. */
  async function begun(title: string): Promise<string> {
    const { id } = await order(title);
    await client.workOrders.assign(id, { technicianId: technician.id });
    await technician.client<Api>().workOrders.start(id);
    return id;
  }

  const people = { manager, dispatcher, technician, requester };
  return { backend, tenantId, siteId, person, order, begun, ...people };
}
