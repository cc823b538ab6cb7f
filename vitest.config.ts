// The suite that `npm test` runs: behaviour only, on a real PostgreSQL.
import { defineConfig } from "vitest/config";

const SOURCE = "backwright-source";

export default defineConfig({
  // Examples import "backwright" by name; under this condition that is src/, not dist/. The rest
  // are Vite's own for a server, which a list replaces.
  ssr: { resolve: { conditions: [SOURCE, "module", "node", "development|production"] } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-postgres.ts",
    testTimeout: 30_000,
    hookTimeout: 120_000,
    execArgv: [`--conditions=${SOURCE}`],
    reporters: ["default", "./scripts/summary-reporter.ts"],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: [["text", { skipFull: true }], "json-summary"],
      thresholds: { lines: 80, branches: 80 },
    },
  },
});
