// What `backwright dev` prints when it serves: addresses, keys and three lines that work.
import { isIP } from "node:net";
import type { DevelopmentBackend } from "../app/develop.ts";
import type { Project } from "../app/project.ts";
import { printFirstKey } from "./first-key.ts";
import { print, styled } from "./output.ts";

/** Keys are shown only where nobody else can connect. */
export function isLocal(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

export function printBanner(project: Project, running: DevelopmentBackend): void {
  const { url, keys } = running;
  print("");
  print(`${styled("bold", project.backend.name)} serves on ${styled("cyan", url)}`);
  for (const resource of project.model.resources.values())
    print(`  ${url}/${project.model.version}/${resource.path}`);
  const pages = running.settings.docs ? ["/docs", "/health", "/ready"] : ["/health", "/ready"];
  print(`  ${pages.map((page) => url + page).join("   ")}`);
  if (keys.length === 0) {
    printFirstKey(project, running);
    print("\nCtrl-C stops.");
    return;
  }
  if (!isLocal(url)) {
    print("\nKeys are not shown, because this address is not only for this machine.");
    print(`They are in ${project.state}/keys.json`);
    return;
  }
  const tenants = new Map<string, typeof keys>();
  for (const key of keys) tenants.set(key.tenant, [...(tenants.get(key.tenant) ?? []), key]);
  for (const [tenant, own] of tenants) {
    print(`\n${styled("bold", tenant)}`);
    for (const { role, name, key } of own) print(`  ${role.padEnd(11)} ${key}  ${name}`);
  }
  printExamples(project, url, keys[0]?.key ?? "");
}

function printExamples(project: Project, url: string, key: string): void {
  const [first] = project.model.resources.values();
  if (first === undefined) return;
  const bearer = `-H 'Authorization: Bearer ${key}'`;
  const address = `${url}/${project.model.version}/${first.path}`;
  const [relation] = first.table.relations.keys();
  const include = relation === undefined ? "" : `&include=${relation}`;
  print("\nTry:");
  print(`  curl -g ${bearer} '${address}?page[size]=2${include}'`);
  print(`  curl -g ${bearer} '${address}?fields=id&sort=-id&page[size]=1'`);
  print(`  curl -i ${url}/ready`);
  print("\nCtrl-C stops.");
}
