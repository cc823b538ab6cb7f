// The settings are one table: what is read stands in it, its page says the same, and no value of a
// setting is ever shown.
import { expect, test } from "vitest";
import { renderSettingsPage, SETTINGS_PAGE } from "../scripts/gen-settings.ts";
import { readRepositoryFile, repositoryFiles } from "../scripts/repository-files.ts";
import { StartError } from "../src/base/errors.ts";
import {
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingName,
} from "../src/base/setting-table.ts";
import { type Mode, readSettings } from "../src/base/settings.ts";

const entries: readonly (readonly [string, Setting])[] = Object.entries(SETTINGS);

/** Of the operating system and its terminals, not of Backwright. */
const FOREIGN = ["PATH", "TERM"];

/** The names that the source takes from an environment, by whichever way it reads. */
function namesRead(): Set<string> {
  const source = repositoryFiles().filter((path) => /^src\/.*\.ts$/.test(path));
  const names = source.flatMap((path) => {
    const text = readRepositoryFile(path);
    const direct = text.matchAll(/\b(?:env|environment)\.(?<name>[A-Z][A-Z_]+)\b/g);
    const named = text.matchAll(/\bgiven\((?:process\.)?env\w*, "(?<name>[A-Z_]+)"\)/g);
    return [...direct, ...named].map(({ groups }) => groups?.name ?? "");
  });
  const target = { DATABASE_URL: "postgres://a@b/c", SECRET_KEY: "0".repeat(32) };
  const seen = new Proxy<Record<string, string>>(target, {
    get(values, name: string) {
      names.push(name);
      return values[name];
    },
  });
  readSettings(seen, "production");
  return new Set(names.filter((name) => !FOREIGN.includes(name)));
}

// Planted: `process.env.NEW_ONE` read in src/ -> red.
test("what is read from the environment is what the table names, and nothing else", () => {
  expect([...namesRead()].sort()).toEqual([...SETTING_NAMES].sort());
});

// Planted: a row deleted from the page, a default changed in the table -> red.
test("docs/reference/settings.md is made of the table (else: npm run docs:settings)", () => {
  const written = readRepositoryFile(SETTINGS_PAGE);
  expect(written).toBe(renderSettingsPage());
  const rows = [...written.matchAll(/^\| `(?<name>[A-Z_]+)` \|/gm)];
  const named = rows.map(({ groups }) => groups?.name);
  expect([...new Set(named)]).toEqual(SETTING_NAMES); // In the two tables of the page.
  expect(named).toHaveLength(2 * SETTING_NAMES.length);
});

const messageOf = (environment: Record<string, string>, mode: Mode): string => {
  try {
    readSettings(environment, mode);
    return "";
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return `${error.message} ${error.fix}`;
  }
};

test("a wrong value is refused by name with an example that is right, and is not repeated", () => {
  const wrong = "wrong-3.5";
  const checked = entries.filter(([name, { type, readBy }]) => {
    return readBy.includes("serve") && type.kind !== "text" && name !== "CORS_ORIGINS";
  });
  expect(checked.length).toBeGreaterThan(8);
  for (const [name] of checked) {
    const message = messageOf({ [name]: wrong }, "development");
    expect(message).toMatch(new RegExp(`^${name} .*\\. ${name}=`));
    expect(message).not.toContain(wrong);
  }
});

test("what holds without a setting, and the example, are values that are allowed", () => {
  for (const mode of ["development", "production"] as const) {
    const examples = Object.fromEntries(
      entries.map(([name, { example }]) => [name, example.replace(/\$\(.*\)/, "x".repeat(44))]),
    );
    expect(messageOf(examples, mode)).toBe("");
    const { DATABASE_URL = "", SECRET_KEY = "" } = examples;
    expect(messageOf({ DATABASE_URL, SECRET_KEY }, mode)).toBe("");
    const defaults = readSettings({ DATABASE_URL, SECRET_KEY }, mode);
    const told = (name: SettingName): string => {
      const { default: preset }: Setting = SETTINGS[name];
      return typeof preset === "object" ? preset[mode] : (preset ?? "");
    };
    expect(String(defaults.statementTimeoutMs)).toBe(told("DATABASE_STATEMENT_TIMEOUT"));
    expect([defaults.host, defaults.logLevel]).toEqual([told("HOST"), told("LOG_LEVEL")]);
    expect(defaults.docs ? "on" : "off").toBe(told("DOCS"));
  }
});

test("production stops without what the table says that serving needs", () => {
  const needed = entries.filter(([, { requiredBy = [] }]) => requiredBy.includes("serve"));
  expect(needed.map(([name]) => name)).toEqual(["DATABASE_URL", "SECRET_KEY"]);
  const all = { DATABASE_URL: "postgres://a@b/c", SECRET_KEY: "0".repeat(32) };
  for (const [name, { does }] of needed) {
    expect(messageOf({ ...all, [name]: "" }, "production")).toContain(
      `${name} is not set. It ${does}.`,
    );
  }
});
