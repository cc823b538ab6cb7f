// Prisma's client is code that its own program writes from the schema.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

const SCHEMA = join(import.meta.dirname, "../contestants/prisma/schema.prisma");

/** Throws with what Prisma said. */
export function generatePrismaClient(): void {
  const program = createRequire(import.meta.url).resolve("prisma/build/index.js");
  const { status, stderr } = spawnSync(
    process.execPath,
    [program, "generate", "--schema", SCHEMA],
    {
      // Only migrations need the schema engine; where it cannot be downloaded this will do.
      env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true" },
      encoding: "utf8",
    },
  );
  if (status !== 0) throw new Error(`Prisma's client cannot be generated:\n${stderr}`);
}
