import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type Message, REPOSITORY, typeCheck } from "./type-checker.ts";

const FOLDER = "test/types/misuse";
// Before the domain has a name, messages spell out the types of Drizzle's relations.
const UNNAMED = `${FOLDER}/define-unnamed.ts`;
const LINE_LENGTH_MAX = 300;
const UNNAMED_LENGTH_MAX = 750;

const linesOf = (file: string): readonly string[] =>
  readFileSync(join(REPOSITORY, file), "utf8").split("\n");

/** What stands where the message points: the wrong word, quotes included. */
function wordAt({ file, line, column }: Message): string {
  const rest = linesOf(file)[line - 1]?.slice(column - 1) ?? "";
  return /^("[^"]*"|[\w.]+|.)/.exec(rest)?.[0] ?? "";
}

function golden(messages: readonly Message[]): string {
  const entries = messages.map((message) => {
    const place = `${message.file.slice(FOLDER.length + 1)}:${message.line}`;
    const lines = message.lines.map((line) => `  ${line}`);
    return [`${place} at ${wordAt(message)} (${message.code})`, ...lines].join("\n");
  });
  return `${entries.join("\n")}\n`;
}

describe("a mistake in a declaration", () => {
  let messages: readonly Message[] = [];
  beforeAll(async () => {
    messages = await typeCheck(join(REPOSITORY, FOLDER));
  });

  // Planted fault: Grant takes any text as a field -> red.
  test("is told as in the golden file", async () => {
    await expect(golden(messages)).toMatchFileSnapshot("misuse/expected.txt");
  });

  // Planted fault: `[TABLE]?: N` removed from Combined -> red ("rows of another table").
  test("gives exactly one message, at the mistake and nowhere else", () => {
    const files = readdirSync(join(REPOSITORY, FOLDER)).filter((file) => file.endsWith(".ts"));
    let mistakes = 0;
    for (const file of files.map((name) => `${FOLDER}/${name}`)) {
      const lines = linesOf(file).map((text, index) => ({ text, line: index + 1 }));
      const starts = lines.filter(({ text }) => text.startsWith("// Mistake: "));
      mistakes += starts.length;
      const told = messages.filter((message) => message.file === file);
      const counts = starts.map(({ text, line }, index) => {
        const end = starts[index + 1]?.line ?? Number.POSITIVE_INFINITY;
        const inside = told.filter((message) => message.line > line && message.line < end);
        return { text, messages: inside.length };
      });
      expect(counts).toEqual(starts.map(({ text }) => ({ text, messages: 1 })));
      expect(told.length).toBe(starts.length);
    }
    expect(mistakes).toBeGreaterThanOrEqual(30);
    expect(messages.length).toBe(mistakes);
  });

  // Planted fault: Me mapped over the claims instead of the domain -> red.
  test("is told in lines that can be read at a glance", () => {
    const tooLong = messages.filter(({ file, lines }) =>
      lines.some((l) => l.length > (file === UNNAMED ? UNNAMED_LENGTH_MAX : LINE_LENGTH_MAX)),
    );
    expect(tooLong).toEqual([]);
  });
});

describe("the example domain of the type tests", () => {
  // Planted fault: dates left as Date in the contract -> red.
  test("compiles, and every correct use is inferred as asserted", async () => {
    expect(await typeCheck(join(REPOSITORY, "test/types/app"))).toEqual([]);
  });
});
