// Writes docs/reference/cli.md from the program itself. test/cli/reference.test.ts refuses a file
// that differs; after a change run: npm run docs:cli
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { createProgram } from "../src/cli/program.ts";
import { runIfMain } from "./is-main.ts";
import { ROOT } from "./repository-files.ts";

/** Where the page stands in the repository. */
export const CLI_PAGE = "docs/reference/cli.md";

const HEAD = `# The command line

<!-- Written by scripts/gen-cli.ts from src/cli/program.ts: change it there. -->

\`backwright --help\` and \`backwright <command> --help\` say the same. Results go to standard
output, progress and errors to standard error, so a result can be piped. Colours are for terminals:
off when piped, with \`NO_COLOR\` and \`TERM=dumb\`, on with \`FORCE_COLOR=1\`. What is not known is
refused with what was probably meant, and every refusal says what to do next.

Commands that need a database take \`DATABASE_URL\` and \`DATABASE_OWNER_URL\`
([settings](settings.md)); without them they start the project's embedded PostgreSQL, whose files
lie in \`.backwright/\` (as root under \`/var/lib/backwright/\`), beside the development keys.

| exit code | means |
| --- | --- |
| 0 | done; \`dev\` and \`start\` after a signal too: they finish what is in flight first |
| 1 | not done, and standard error says why; \`--verbose\` adds the cause |
| 130, 143 | Ctrl-C or SIGTERM during a command; of \`dev\` and \`start\` the second one |

\`migrate status\` ends with 1 where an applied migration is changed, missing or interrupted,
\`doctor\` where something keeps the backend from serving. \`db psql\` ends as psql does.

\`doctor\` changes nothing: an embedded server that is there is started for the look and stopped
again. \`dev\` serves anew when a file changes that the program loaded, of the project or of a
package that a workspace links, and when a migration, a file of settings or \`seed.ts\` changes.
`;

/** The whole page for a program. */
export function renderCliPage(program: Command): string {
  return `${HEAD}\nFor every command:\n\n${optionTable(program)}${sections(program, "")}`;
}

function sections(command: Command, path: string): string {
  return command.commands
    .map(
      (child) => section(child, path + child.name()) + sections(child, `${path}${child.name()} `),
    )
    .join("");
}

function section(command: Command, path: string): string {
  const usage = command.registeredArguments
    .map((one) => (one.required ? ` <${one.name()}>` : ` [${one.name()}]`))
    .join("");
  const [alias] = command.aliases();
  const named = alias === undefined ? "" : ` Also: \`${alias}\`.`;
  const about = command.description();
  const table = command.options.length === 0 ? "" : `\n${optionTable(command)}`;
  const title = `## backwright ${path}${usage.replaceAll("<", "&lt;")}`;
  return `\n${title}\n\n${sentence(about)}${named}\n${table}${exampleBlock(command)}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function optionTable(command: Command): string {
  const rows = command.options.map(({ flags, description, defaultValue, argChoices }) => {
    const choices = argChoices === undefined ? "" : ` ${argChoices.join(", ")}`;
    const preset = defaultValue === undefined ? "" : ` (default: ${defaultValue})`;
    const about = `${description}${choices}${preset}`.trim().replaceAll("|", "\\|");
    return `| \`${flags}\` | ${about.replaceAll("<", "&lt;")} |\n`;
  });
  return `| option | means |\n| --- | --- |\n${rows.join("")}`;
}

/** The examples that --help shows. */
function exampleBlock(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  const [, lines] = /\nExamples?:\n([\s\S]*)$/.exec(text) ?? [];
  if (lines === undefined) return "";
  return `\n\`\`\`text\n${lines.trimEnd().replace(/^ {2}/gm, "")}\n\`\`\`\n`;
}

await runIfMain(import.meta.url, async () => {
  writeFileSync(join(ROOT, CLI_PAGE), renderCliPage(createProgram()));
  process.stdout.write(`${CLI_PAGE}\n`);
});
