// The long tests: many kills, large data, long waits. Not part of `npm test`.
import { mergeConfig } from "vitest/config";
import base from "./vitest.config.ts";

const nightly = mergeConfig(base, {
  test: { testTimeout: 3_600_000, hookTimeout: 600_000 },
});

// Merging joins lists, and the quick tests have had their run.
nightly.test.include = ["test/**/*.nightly.ts"];

export default nightly;
