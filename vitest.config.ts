// The suite that `npm test` runs: behaviour only, on a real PostgreSQL.
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const SOURCE = "backwright-source";

export default defineConfig({
  // Examples import "backwright" by name; under this condition that is src/, not dist/. The rest
  // are Vite's own for a server, which a list replaces.
  ssr: { resolve: { conditions: [SOURCE, "module", "node", "development|production"] } },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-postgres.ts",
    setupFiles: "test/support/prototype-probe.ts",
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // The tests wait for processes and disks more than they compute: two of them on two cores took
    // 101 s, one after another 252 s.
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)),
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
