// Demo data: `npm run dev` runs this on an empty database and prints the keys.
import { newId, type SeedContext } from "backwright";

export default async function seed({ tenant, as, key }: SeedContext): Promise<void> {
  const tenantId = await tenant({ name: "Acme" });
  const owner = { tenantId, role: "owner", id: newId() };
  const member = { tenantId, role: "member", id: newId() };
  const operations = await as(member);
  await operations.create("tasks", { title: "Read the README" });
  await operations.create("tasks", { title: "Change a table" });
  await key({ ...owner, tenant: "Acme", name: "Olga, owner" });
  await key({ ...member, tenant: "Acme", name: "Mika, member" });
}
