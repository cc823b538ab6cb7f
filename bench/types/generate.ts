// Writes an application of many tables in the shape that users write, so that the time TypeScript
// needs for the declaration API can be measured. Deterministic: the same options, the same files.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface GeneratedApp {
  /** A folder of this folder, so that node_modules and the declaration API are found from it. */
  readonly folder: string;
  readonly tables: number;
  /** "schema" stops after tables and relations: what Drizzle alone costs. */
  readonly upTo: "schema" | "backend";
}

const MODEL = "../../../src/model";
const TSCONFIG = "../../../tsconfig.json";
const STATES = ["open", "assigned", "in_progress", "done", "cancelled"];
const PRIORITIES = ["low", "normal", "high"];

const name = (index: number): string => `orders${String(index + 1).padStart(2, "0")}`;
const quoted = (values: readonly string[]): string => values.map((v) => `"${v}"`).join(", ");
// Tables refer to earlier ones, as foreign keys written in one file must.
const targetOf = (index: number, distance: number): number => Math.max(0, index - distance);

function schemaFile(app: GeneratedApp): string {
  const parts = [
    `import { foreignKey, index, pgTable, primaryKey } from "drizzle-orm/pg-core";`,
    `import { text, timestamp, uuid } from "drizzle-orm/pg-core";`,
    `import { id, state, tracked } from "${MODEL}/columns.ts";`,
    `export const organizations = pgTable("organizations", {`,
    `  id: id().primaryKey(), name: text().notNull(), ...tracked(),`,
    `});`,
  ];
  for (let i = 0; i < app.tables; i += 1) {
    const [owner, parent] = [name(targetOf(i, 1)), name(targetOf(i, 7))];
    const keys =
      i === 0
        ? ""
        : `
  foreignKey({
    columns: [t.organizationId, t.ownerId],
    foreignColumns: [${owner}.organizationId, ${owner}.id],
  }),
  foreignKey({
    columns: [t.organizationId, t.parentId],
    foreignColumns: [${parent}.organizationId, ${parent}.id],
  }),`;
    parts.push(`export const ${name(i)} = pgTable("${name(i)}", {
  organizationId: uuid("organization_id").notNull().references(() => organizations.id),
  id: id(),
  title: text().notNull(),
  description: text(),
  status: state([${quoted(STATES)}]).notNull().default("open"),
  priority: state([${quoted(PRIORITIES)}]).notNull().default("normal"),
  ownerId: uuid("owner_id").notNull(),
  parentId: uuid("parent_id"),
  teamId: uuid("team_id"),
  dueAt: timestamp("due_at", { withTimezone: true }),
  ...tracked(),
}, (t) => [
  primaryKey({ columns: [t.organizationId, t.id] }),${keys}
  index().on(t.organizationId, t.status, t.dueAt.desc(), t.id.desc()),
]);`);
  }
  return parts.join("\n");
}

function relationsFile(app: GeneratedApp): string {
  const entries = Array.from({ length: app.tables }, (_, i) => {
    const key = (relation: string, target: string): string =>
      `from: [r.${name(i)}.organizationId, r.${name(i)}.${relation}Id], ` +
      `to: [r.${target}.organizationId, r.${target}.id]`;
    const [owner, parent] = [name(targetOf(i, 1)), name(targetOf(i, 7))];
    return `  ${name(i)}: {
    owner: r.one.${owner}({ ${key("owner", owner)}, optional: false, alias: "owner${i}" }),
    parent: r.one.${parent}({ ${key("parent", parent)}, alias: "parent${i}" }),
    children: r.many.${name(i)}({
      from: [r.${name(i)}.organizationId, r.${name(i)}.id],
      to: [r.${name(i)}.organizationId, r.${name(i)}.parentId],
    }),
  },`;
  });
  return `import { defineRelations } from "drizzle-orm";
import * as schema from "./schema.ts";
export const relations = defineRelations(schema, (r) => ({
${entries.join("\n")}
}));
`;
}

function domainFile(): string {
  return `import type { DomainOf } from "${MODEL}/declare.ts";
import { define } from "${MODEL}/define.ts";
import { relations } from "./relations.ts";
import { organizations } from "./schema.ts";
const domain = define({
  relations,
  tenant: organizations,
  roles: ["manager", "dispatcher", "technician", "requester"],
  claims: { teamIds: "uuid[]" },
});
export interface App extends DomainOf<typeof domain> {}
export const { resource, action, event, rows, me, backend } = domain.as<App>();
`;
}

function resourceFile(table: string): string {
  return `import { z } from "zod";
import { event, me, resource, rows } from "./domain.ts";
const assigned = event("${table}.assigned", z.object({ id: z.uuid(), ownerId: z.uuid() }));
const mine = rows("${table}", { ownerId: me.id });
const ofMyTeam = rows("${table}", {
  or: [
    mine,
    { teamId: { in: me.teamIds } },
    { parent: { ownerId: me.id, status: { ne: "done" } } },
  ],
});
export const ${table} = resource("${table}", {
  scope: "tenant",
  access: {
    manager: "all",
    dispatcher: { read: true, create: true, update: true },
    technician: {
      read: { rows: ofMyTeam },
      update: {
        rows: mine,
        fields: ["status", "description"],
        after: { status: { in: ["assigned", "done"] } },
      },
    },
    requester: {
      read: { rows: { ownerId: me.id }, fields: ["id", "title", "status", "dueAt", "version"] },
      create: {
        fields: ["title", "description", "parentId"],
        set: { ownerId: me.id, status: "open" },
      },
    },
  },
  hidden: ["priority"],
  states: {
    status: {
      open: ["assigned", "cancelled"],
      assigned: ["in_progress", "open"],
      in_progress: ["done"],
      done: [],
      cancelled: [],
    },
  },
  actions: {
    assign: {
      input: z.object({ ownerId: z.uuid() }),
      output: z.object({ id: z.uuid(), dueAt: z.date().nullable() }),
      access: ["manager", "dispatcher"],
      async run({ record, input, change, emit, tx }) {
        const others = await tx.query.${table}.findMany({ where: { ownerId: input.ownerId } });
        const updated = await change({ ownerId: input.ownerId, status: "assigned" });
        await emit(assigned, { id: record.id, ownerId: input.ownerId });
        return { id: updated.id, dueAt: others[0]?.dueAt ?? updated.dueAt };
      },
    },
    start: { async run({ change }) { await change({ status: "in_progress" }); } },
  },
});
`;
}

function backendFile(app: GeneratedApp): string {
  const names = Array.from({ length: app.tables }, (_, i) => name(i));
  return `import type { ContractOf } from "${MODEL}/contract.ts";
import { backend } from "./domain.ts";
${names.map((table) => `import { ${table} } from "./${table}.ts";`).join("\n")}
const app = backend({ name: "generated", resources: { ${names.join(", ")} } });
export default app;
export interface Api extends ContractOf<typeof app> {}
`;
}

function useFile(app: GeneratedApp): string {
  const uses = Array.from({ length: app.tables }, (_, i) => {
    const at = `Api["${name(i)}"]`;
    return `export const row${i} = (row: ${at}["fields"]): string => row.status + (row.dueAt ?? "");
export const body${i}: ${at}["write"] = {
  title: "x",
  dueAt: "2026-12-01T00:00:00Z",
  status: "open",
};
export const assign${i}: ${at}["actions"]["assign"]["input"] = { ownerId: "x" };
export const link${i}: ${at}["links"]["owner"]["to"] = "${name(targetOf(i, 1))}";`;
  });
  return `import type { Api } from "./backend.ts";\n${uses.join("\n")}\n`;
}

/** Empties the folder and writes the application into it; returns the path of its tsconfig. */
export function generateApp(app: GeneratedApp): string {
  rmSync(app.folder, { recursive: true, force: true });
  mkdirSync(app.folder, { recursive: true });
  const write = (file: string, text: string): void => writeFileSync(join(app.folder, file), text);
  write("schema.ts", schemaFile(app));
  write("relations.ts", relationsFile(app));
  if (app.upTo === "backend") {
    write("domain.ts", domainFile());
    for (let i = 0; i < app.tables; i += 1) write(`${name(i)}.ts`, resourceFile(name(i)));
    write("backend.ts", backendFile(app));
    write("use.ts", useFile(app));
  }
  const config = { extends: TSCONFIG, include: ["*.ts"], exclude: [] };
  const path = join(app.folder, "tsconfig.json");
  writeFileSync(path, JSON.stringify(config));
  return path;
}
