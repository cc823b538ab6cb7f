// The generator beside autocannon on the same request: the figures must agree, and what each uses
// of the machine says why the measurement is not made with autocannon.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LoadGenerator } from "../load/load.ts";
import type { PreparedRequest } from "../load/requests.ts";
import { type Contestant, processCpuSeconds } from "./processes.ts";
import { CONNECTIONS } from "./rounds.ts";

const AUTOCANNON = fileURLToPath(import.meta.resolve("autocannon"));
const POLL_MS = 100;

interface AutocannonReport {
  readonly requests: { readonly total: number; readonly average: number };
  readonly latency: { readonly p50: number; readonly p99: number };
  readonly non2xx: number;
  readonly errors: number;
}

/** Runs both against one contestant, one after the other, and returns a line for each. */
export async function crossCheck(
  contestant: Contestant,
  request: PreparedRequest,
  seconds: number,
  generator: LoadGenerator,
): Promise<readonly string[]> {
  await generator.use([request]);
  const order = { port: contestant.port, connections: CONNECTIONS, rampSeconds: 0.5 };
  await generator.run({ ...order, seconds: 2 });
  const ours = await generator.run({ ...order, seconds });
  const theirs = await runAutocannon(contestant, request, seconds);
  const line = (name: string, rate: number, p50: number, p99: number, micros: number): string =>
    `${contestant.name.padEnd(16)} ${name.padEnd(10)} ${rate.toFixed(0).padStart(6)}/s  ` +
    `p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  ${micros.toFixed(0)} µs for each request`;
  const { requests, p50, p99, generatorMicrosPerRequest } = ours;
  const { report, micros } = theirs;
  return [
    line("generator", requests / seconds, p50, p99, generatorMicrosPerRequest),
    line("autocannon", report.requests.average, report.latency.p50, report.latency.p99, micros),
  ];
}

function runAutocannon(
  { port }: Contestant,
  { path, headers }: PreparedRequest,
  seconds: number,
): Promise<{ readonly report: AutocannonReport; readonly micros: number }> {
  const flags = ["--json", "-c", String(CONNECTIONS), "-d", String(seconds)];
  for (const [name, value] of Object.entries(headers)) flags.push("-H", `${name}=${value}`);
  const url = `http://127.0.0.1:${port}${path}`;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [AUTOCANNON, ...flags, url], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    let cpuSeconds = 0;
    const watch = setInterval(() => {
      if (child.pid !== undefined && child.exitCode === null) {
        cpuSeconds = processCpuSeconds(child.pid);
      }
    }, POLL_MS);
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", () => {
      clearInterval(watch);
      try {
        const report = JSON.parse(output) as AutocannonReport;
        if (report.non2xx + report.errors > 0) throw new Error("autocannon met failures.");
        resolve({ report, micros: (cpuSeconds * 1e6) / report.requests.total });
      } catch (error) {
        reject(error);
      }
    });
  });
}
