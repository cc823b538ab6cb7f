#!/usr/bin/env node
// The program `backwright`: arguments in, text out. What a command does stands elsewhere.
import { printFailure } from "./output.ts";
import { createProgram } from "./program.ts";

const program = createProgram();
try {
  await program.parseAsync();
} catch (error) {
  printFailure(error, program.opts<{ verbose?: boolean }>().verbose === true);
  process.exit(process.exitCode ?? 1);
}
