// The load generator: a process of its own that is told over IPC what to ask and how long, and
// answers with counts and percentiles. Started by load.ts.
import type { LoadOrder, LoadReport } from "./load.ts";
import { runConnection } from "./connection.ts";
import { RequestSource } from "./requests.ts";

let source = new RequestSource([]);

process.on("message", (order: LoadOrder) => {
  run(order).then(
    (report) => process.send?.({ report }),
    (error: unknown) => process.send?.({ failure: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));

async function run(order: LoadOrder): Promise<LoadReport | undefined> {
  if (order.kind === "requests") {
    source = new RequestSource(order.requests);
    return undefined;
  }
  const latencies: number[] = [];
  let bytes = 0;
  let answers = 0;
  const begin = performance.now() + order.rampSeconds * 1_000;
  const end = begin + order.seconds * 1_000;
  const cpu = process.cpuUsage();
  const one = () =>
    runConnection({
      port: order.port,
      next: () => (performance.now() >= end ? undefined : source.next()),
      answered: (milliseconds, size) => {
        const at = performance.now();
        answers += 1;
        if (at < begin || at > end) return;
        latencies.push(milliseconds);
        bytes += size;
      },
    });
  await Promise.all(Array.from({ length: order.connections }, one));
  const used = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? Number.NaN;
  return {
    requests: latencies.length,
    answers,
    seconds: order.seconds,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    max: latencies.at(-1) ?? Number.NaN,
    bytesPerReply: bytes / latencies.length,
    generatorMicrosPerRequest: (used.user + used.system) / answers,
  };
}
