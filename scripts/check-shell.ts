// Judges the shell lines of the documentation: every command must be one of a few kinds, each of
// which can be held against the repository. Pure: takes text and facts, returns problems.
import { parseShell, type ShellCommand } from "./shell-words.ts";

/** What the commands are held against. */
export interface ShellFacts {
  readonly npmScripts: ReadonlySet<string>;
  readonly tasks: ReadonlySet<string>;
  /** Commands of the command line tool. */
  readonly cliCommands: ReadonlySet<string>;
  /** Path segments of the example's resources: "work-orders". */
  readonly resources: ReadonlySet<string>;
  /** Their actions: "work-orders/assign". */
  readonly actions: ReadonlySet<string>;
  /** Environment variables that the product reads. */
  readonly settings: ReadonlySet<string>;
  /** Packages that a reader may be told to install. */
  readonly packages: ReadonlySet<string>;
  /** Whether a file or folder of the repository exists. */
  readonly exists: (path: string) => boolean;
}

type Judge = (args: readonly string[], facts: ShellFacts) => string | undefined;

/**
 * Every problem as one sentence with the line inside the block.
 * @param page all shell blocks of the page: a variable may be set in one and used in another
 */
export function checkShell(
  source: string,
  facts: ShellFacts,
  page: string,
): { line: number; problem: string }[] {
  const local = new Set(parseShell(page).flatMap(variablesSetBy));
  return parseShell(source).flatMap((command) => {
    const problems = [checkVariables(command, facts, page), judge(command, facts, local)];
    return problems.flatMap((problem) => (problem ? [{ line: command.line, problem }] : []));
  });
}

function variablesSetBy({ words, variables }: ShellCommand): readonly string[] {
  if (words[0] !== "export") return variables;
  return words.slice(1).map((word) => word.split("=")[0] ?? "");
}

function checkVariables(command: ShellCommand, facts: ShellFacts, page: string) {
  const unknown = variablesSetBy(command).filter((name) => {
    return !facts.settings.has(name) && !new RegExp(`\\$\\{?${name}\\b`).test(page);
  });
  return unknown.length > 0 ? `nothing reads the variable ${unknown.join(", ")}` : undefined;
}

/** What every terminal has, or a page says that one needs. */
const TOOLS = new Set(["export", "unset", "gzip", "head", "jq", "psql"]);

function judge({ words }: ShellCommand, facts: ShellFacts, local: ReadonlySet<string>) {
  const [program = "", ...args] = words;
  if (program === "" || TOOLS.has(program)) return undefined;
  if (program === "curl") return checkCurl(args, facts, local);
  const known = JUDGES[program];
  if (!known) return `"${program}" is not among the commands that the documentation may show`;
  return known(args, facts);
}

const JUDGES: Readonly<Record<string, Judge>> = {
  npm: checkNpm,
  npx: ([program = "", command = ""], facts) => {
    if (program !== "backwright") return `npx ${program} is not ours to promise`;
    return checkCli(command, facts);
  },
  backwright: ([command = ""], facts) => checkCli(command, facts),
  node: checkNode,
  cd: ([folder = ""], { exists }) => {
    if (folder === "backwright" || exists(folder)) return undefined;
    return `there is no folder ${folder}`;
  },
  git: ([command = ""]) => (command === "clone" ? undefined : `git ${command} is not checked`),
};

function checkNpm(args: readonly string[], facts: ShellFacts): string | undefined {
  const [command = "", ...rest] = args.filter((word) => !word.startsWith("-"));
  if (command === "ci") return undefined;
  if (command === "install" || command === "i") {
    const unknown = rest.filter((name) => !facts.packages.has(name.replace(/(?<=.)@.*$/, "")));
    return unknown.length > 0 ? `${unknown.join(", ")}: not a package of ours` : undefined;
  }
  const script = command === "run" ? (rest[0] ?? "") : command;
  return facts.npmScripts.has(script) ? undefined : `package.json has no script "${script}"`;
}

function checkNode(args: readonly string[], facts: ShellFacts): string | undefined {
  const [script = "", task = ""] = args.filter((word) => !word.startsWith("-"));
  if (args.includes("--version")) return undefined;
  if (!facts.exists(script)) return `there is no file ${script}`;
  const isTask = !script.endsWith("scripts/run.js") || task === "" || facts.tasks.has(task);
  return isTask ? undefined : `scripts/run.js has no task "${task}"`;
}

function checkCli(command: string, facts: ShellFacts): string | undefined {
  if (command.startsWith("-") || facts.cliCommands.has(command)) return undefined;
  return `backwright has no command "${command}"`;
}

const CURL_WITH_VALUE = new Set(["-H", "--header", "-o", "--output", "-u", "-w", "--write-out"]);
const CURL_BODY = new Set(["-d", "--data", "--json", "--data-raw"]);

function checkCurl(args: readonly string[], facts: ShellFacts, local: ReadonlySet<string>) {
  let method: string | undefined;
  let body: string | undefined;
  const urls: string[] = [];
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? "";
    if (word === "-X" || word === "--request") method = args[++index];
    else if (CURL_BODY.has(word)) body = args[++index] ?? "";
    else if (CURL_WITH_VALUE.has(word)) index += 1;
    else if (!word.startsWith("-")) urls.push(word);
  }
  if (urls.length !== 1) return `curl needs one address, found ${urls.length}`;
  if (body !== undefined && !body.startsWith("@") && !isJson(body)) return "the body is not JSON";
  const globs = !args.some((word) => word === "--globoff" || /^-[a-zA-Z]*g/.test(word));
  if (globs && /[[\]{}]/.test((urls[0] ?? "").replace(/^\$\{\w+\}/, ""))) {
    return "curl takes brackets for itself; add -g";
  }
  const verb = method ?? (body === undefined ? "GET" : "POST");
  return checkAddress(verb, urls[0] ?? "", facts, local);
}

// What is served beside resources, and how; the design fixes these addresses.
const STANDARD: Readonly<Record<string, string>> = {
  "/health": "GET",
  "/ready": "GET",
  "/openapi.json": "GET",
  "/v1/batch": "POST",
};
/** What stands where an id would stand. */
const OF_ALL: Readonly<Record<string, string>> = {
  aggregate: "GET",
  "bulk-create": "POST",
  "bulk-update": "POST",
  "bulk-delete": "POST",
};

const PARAMETERS = [
  /^filter(?:\[(?:\w+(?:\.\w+)*)\]){1,4}$/,
  /^fields(?:\[\w+(?:\.\w+)*\])?$/,
  /^page(?:\[\w+\]){1,2}$/,
  /^(?:sort|include|q|highlight|by)$/,
  /^(?:groupBy|count|sum|avg|min|max|timeZone)$/,
];

function checkAddress(
  method: string,
  address: string,
  facts: ShellFacts,
  local: ReadonlySet<string>,
): string | undefined {
  const base = /^(?:https?:\/\/(?:127\.0\.0\.1|localhost)(?::\d+)?|\$\{?(?<name>\w+)\}?)(?=\/)/;
  const found = base.exec(address);
  const name = found?.groups?.name;
  if (!found || (name !== undefined && !local.has(name))) {
    return `${address} does not start with this machine's address or a variable set before`;
  }
  const [path = "", query = ""] = address.slice(found[0].length).split("?");
  const unknown = [...new URLSearchParams(query).keys()].filter(
    (key) => !PARAMETERS.some((known) => known.test(key)),
  );
  if (unknown.length > 0) return `the API has no parameter ${unknown.join(", ")}`;
  const methods = methodsAt(path, facts);
  if (methods === undefined) return `nothing is served at ${path}`;
  return methods.includes(method) ? undefined : `${path} does not serve ${method}`;
}

function methodsAt(
  path: string,
  { resources, actions }: ShellFacts,
): readonly string[] | undefined {
  const standard = STANDARD[path];
  if (standard) return [standard];
  const [, version, resource = "", id, action, ...more] = path.split("/");
  if (version !== "v1" || !resources.has(resource) || more.length > 0) return undefined;
  if (id === undefined) return ["GET", "POST", "PUT"];
  const ofAll = OF_ALL[id];
  if (action === undefined) return ofAll ? [ofAll] : ["GET", "PATCH", "DELETE"];
  return action === "restore" || actions.has(`${resource}/${action}`) ? ["POST"] : undefined;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
