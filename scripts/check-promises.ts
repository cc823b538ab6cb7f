// Finds promises that nothing waits for, with the compiler's own types: Biome's rule does not see
// the types of overloaded package functions (a bare `pool.query(…)`) or of Node's modules.
// Uses TypeScript's programming interface, which may change with its version (pinned exactly).
import { relative } from "node:path";
import type { Node, SourceFile } from "typescript/unstable/ast";
import {
  isBinaryExpression,
  isCallExpression,
  isExpressionStatement,
  isIdentifier,
  isPropertyAccessExpression,
  isVoidExpression,
} from "typescript/unstable/ast/is";
import { API, type Checker, type Type } from "typescript/unstable/sync";

/**
 * Every statement of a project that makes a promise and drops it, as "file:line: text".
 * `void promise` says that this is meant; so does a handler in `.catch(…)`.
 * @param configPath absolute path of a tsconfig.json
 * @param root paths in the answer are relative to it
 */
export function findDroppedPromises(configPath: string, root: string): string[] {
  const api = new API({ cwd: root });
  try {
    const project = api.updateSnapshot({ openProjects: [configPath] }).getProject(configPath);
    if (!project) throw new Error(`${configPath} is not a TypeScript project`);
    const { checker, program } = project;
    return program.getSourceFileNames().flatMap((path) => {
      if (path.includes("/node_modules/") || path.endsWith(".d.ts")) return [];
      const file = program.getSourceFile(path);
      if (!file) return [];
      return droppedIn(file, checker).map((node) => `${relative(root, path)}:${place(node, file)}`);
    });
  } finally {
    api.close();
  }
}

function droppedIn(file: SourceFile, checker: Checker): Node[] {
  const isTest = file.text.includes('from "node:test"');
  const nodes = statementsOf(file).filter(
    (node) => !isHandled(node) && !(isTest && isTestCall(node)),
  );
  if (nodes.length === 0) return [];
  const types = checker.getTypeAtLocation(nodes);
  return nodes.filter((_, index) => isPromise(types[index], checker));
}

/** What stands alone as a statement: its value is dropped. */
function statementsOf(file: SourceFile): Node[] {
  const found: Node[] = [];
  const visit = (node: Node): undefined => {
    if (isExpressionStatement(node)) found.push(node.expression);
    node.forEachChild(visit);
  };
  visit(file);
  return found;
}

function isHandled(node: Node): boolean {
  if (isVoidExpression(node) || isBinaryExpression(node)) return true;
  if (!isCallExpression(node) || !isPropertyAccessExpression(node.expression)) return false;
  const method = node.expression.name.text;
  if (method === "finally") return isHandled(node.expression.expression);
  return node.arguments.length >= (method === "catch" ? 1 : method === "then" ? 2 : Infinity);
}

/** Node's runner waits for every test by itself. */
function isTestCall(node: Node): boolean {
  return isCallExpression(node) && isIdentifier(node.expression) && node.expression.text === "test";
}

function isPromise(type: Type | undefined, checker: Checker): boolean {
  if (!type) return false;
  if (type.isUnionType()) return type.getTypes().some((member) => isPromise(member, checker));
  // A reply of Fastify has `then` too, but may be dropped: only what can be caught is a promise.
  const has = (name: string) => checker.getPropertyOfType(type, name) !== undefined;
  return has("then") && has("catch");
}

function place(node: Node, file: SourceFile): string {
  const line = file.text.slice(0, node.getStart(file)).split("\n").length;
  return `${line}: ${node.getText(file).split("\n")[0]}`;
}
