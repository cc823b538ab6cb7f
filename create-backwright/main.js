#!/usr/bin/env node
// `npm create backwright`: refuses an old Node in words, before anything that it cannot parse.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`Backwright needs Node 22.18 or newer; this is ${process.versions.node}.`);
  console.error("Install a newer one from nodejs.org, or with nvm: nvm install 24");
  process.exit(1);
}
const { run } = await import("./run.js");
process.exitCode = await run(process.argv.slice(2));
