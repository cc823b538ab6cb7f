// The settings as a page, of Backwright and of one backend: from the table in base/, never from an
// environment, so no value of anybody's can stand in it.
import {
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingReader,
  settingLine,
} from "../base/setting-table.ts";
import { databaseName } from "../database/roles.ts";
import type { Model } from "../model/model.ts";
import { code, page, prose, table } from "./markdown.ts";

const READERS: Readonly<Record<SettingReader, string>> = {
  serve: "`dev`, `start` and a mounted backend",
  commands: "commands that open the database, such as `keys`",
  migrate: "`migrate up`, `down` and `status`",
  transfer: "`import` and `export`",
  test: "tests, by `backwright/testing`",
};

/** docs/backend-settings.md. */
export function settingsPage(model: Model): string {
  const title = `What ${code(model.name)} reads from the environment.`;
  return page("# Backend settings", ...settingsReference(title, databaseName(model.name)));
}

/** The parts of the page below its title. `database` stands in the examples of addresses. */
export function settingsReference(introduction: string, database: string): readonly string[] {
  return [
    prose(`${introduction} All of it is read once at the start. A setting that is missing or
      malformed stops the start and says what to write; what is empty counts as not set.
      \`backwright doctor\` checks them and finds misspelt ones.`),
    prose(`What the environment does not set is read from files beside the backend, then from the
      working directory: \`.env.<name>.local\`, \`.env.<name>\` and \`.env\`, the first that names a
      setting winning. The name is that of \`BACKWRIGHT_ENV\`, such as \`staging\`; otherwise
      \`production\` for \`backwright start\` and \`development\` for every other command.`),
    prose(`Those marked **secret** hold a password or a key. Keep them out of files that are
      committed (\`.env.<name>.local\` and \`.env\` are not); no log, page or message shows them.`),
    table(["setting", "what it does", "value", "default"], rows(aboutRow)),
    "## Who reads what",
    prose(`**Needed**: in production it stops without. *Read*: it heeds what is set. A command
      without \`DATABASE_URL\` means the embedded PostgreSQL of development.`),
    table(["setting", ...Object.values(READERS)], rows(readerRow)),
    "## Examples",
    ["```text", ...SETTING_NAMES.map((name) => exampleOf(name, database)), "```"].join("\n"),
  ];
}

const rows = (row: (name: string, setting: Setting) => readonly string[]) =>
  Object.entries(SETTINGS).map(([name, setting]) => row(name, setting));

function aboutRow(name: string, { does, note, type, isSecret, ...others }: Setting) {
  const about = note === undefined ? does : `${does}; ${note}`;
  const mark = isSecret === true ? "; **secret**" : "";
  return [code(name), about, `${allowed(type)}${mark}`, defaultOf(others)];
}

function readerRow(name: string, { readBy, requiredBy = [] }: Setting): readonly string[] {
  const readers = Object.keys(READERS) as readonly SettingReader[];
  const marks = readers.map((reader) => {
    if (requiredBy.includes(reader)) return "**needed**";
    return readBy.includes(reader) ? "*read*" : "";
  });
  return [code(name), ...marks];
}

function allowed(type: Setting["type"]): string {
  switch (type.kind) {
    case "integer": {
      const range = `${type.min} to ${type.max}`;
      return type.unit === undefined ? range : `${range} ${type.unit}`;
    }
    case "choice":
      return type.values.map(code).join(", ");
    case "origins":
      return "origins, separated by commas";
    case "address":
      return "an address: `postgres://user:password@host:5432/database`";
    case "secret":
      return `at least ${type.lengthMin} characters`;
    case "text":
      return type.of;
  }
}

function defaultOf({ default: preset, without = "" }: Pick<Setting, "default" | "without">) {
  if (preset === undefined) return without;
  if (typeof preset === "string") return code(preset);
  return `${code(preset.development)} in development, ${code(preset.production)} in production`;
}

const exampleOf = (name: (typeof SETTING_NAMES)[number], database: string): string =>
  settingLine(name).replaceAll("myapp", database);
