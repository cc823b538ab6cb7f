// docs/backend-setup.md and docs/backend-testing.md: how to run the backend and how to test it.
import type { Model } from "../model/model.ts";
import { code, codes, page, prose, table } from "./markdown.ts";

export function setupPage(model: Model): string {
  const commands = [
    ["serve for development: embedded PostgreSQL, migrations, demo data, keys", "backwright dev"],
    ["write the migration of what changed in the tables", "backwright migrate new add-due-date"],
    ["apply what is pending", "backwright migrate up"],
    ["compare the migrations here with the database", "backwright migrate status"],
    ["serve in production", "backwright start"],
    ["write these pages anew", "backwright docs"],
  ].map(([what = "", command = ""]) => [what, code(`npx ${command}`)]);
  const steps = [
    prose(`1. Make the database and its two roles: \`npx backwright database setup <name>\` prints
      the SQL for an administrator, or does it with \`--admin-url\`.`),
    prose(`2. Migrate as the owner: \`DATABASE_URL\`, \`DATABASE_OWNER_URL\`, then
      \`npx backwright migrate up\`.`),
    prose(`3. Serve as the app login, which owns nothing: \`DATABASE_URL\`, \`SECRET_KEY\`, then
      \`npx backwright start\`.`),
    prose(`4. Give out keys: \`npx backwright keys create --tenant <id> --role <role> --subject
      <id>\`; the roles are ${codes(model.roles)}.`),
  ];
  return page(
    "# Backend setup",
    prose(`How to run ${code(model.name)}. It needs Node 22.18 or newer; PostgreSQL 18 comes with it
      for development.`),
    "## Commands",
    table(["what", "command"], commands),
    "## Production",
    steps.join("\n"),
    "Every setting, and who reads it: [backend settings](backend-settings.md).",
    prose(`\`/health\` says that the process lives, \`/ready\` that it should get requests. SIGTERM
      lets it finish what is in flight.`),
  );
}

export function testingPage(model: Model): string {
  const [resource] = model.resources.values();
  const [role = "role"] = model.roles;
  const path = `/${model.version}/${resource?.path ?? "records"}`;
  const example = [
    "```ts",
    'import { after, before, test } from "node:test";',
    'import { startTestBackend, type TestBackend } from "backwright/testing";',
    "",
    "let backend: TestBackend;",
    "before(async () => {",
    "  backend = await startTestBackend();",
    "});",
    "after(() => backend.close());",
    "",
    `test("nobody reads ${resource?.path ?? "records"} without a key", async () => {`,
    `  await backend.scenario({ request: "GET ${path}", status: 401, events: {} });`,
    "});",
    "```",
  ].join("\n");
  return page(
    "# Backend testing",
    prose(`\`npm test\` runs the tests on the real backend: each test file gets a database of its
      own on the embedded PostgreSQL, or on the server that \`TEST_DATABASE_ADMIN_URL\` names.`),
    example,
    prose(`\`backend.tenant(values)\` makes a tenant, \`backend.actor({ tenantId, role: "${role}"
      })\` a caller with a key, \`actor.request\` and \`actor.client<Api>()\` ask over HTTP,
      \`backend.sql\` arranges what no operation may. A scenario checks status, texts that must and
      must not be there, and the events that were written.`),
    prose(`Worth a test each: what every role may not do, the moves that no state allows, the
      actions' own rules.`),
  );
}
