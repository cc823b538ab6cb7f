// The completion scripts, run in the shells that they are for. bash is everywhere; zsh and fish are
// tried where they are installed and skipped where not, because the check installs no packages of
// the operating system: a machine without them, CI included, is no failure.
//
// Planted faults, each red before it was taken out again:
// - fish: `string split ' ' '--help …'`, which reads its words as options -> fish
// - values of options taken for commands -> every shell
// - _files left out of zsh's function -> files in zsh
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "./program.ts";

type Shell = "bash" | "zsh" | "fish";

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "backwright-completion-"));
  mkdirSync(join(folder, "files"));
  writeFileSync(join(folder, "files/requests.csv"), "");
  for (const shell of ["bash", "zsh", "fish"]) {
    const { stdout } = await runProgram(["completion", shell], { directory: "/" });
    writeFileSync(join(folder, shell), stdout);
  }
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(shell: Shell, text: string): string {
  const { PATH } = process.env;
  const env = { PATH, HOME: folder, ZDOTDIR: folder, TERM: "dumb" };
  const cwd = join(folder, "files");
  const flags = { bash: ["--norc", "-c"], zsh: ["-f", "-c"], fish: ["--no-config", "-c"] }[shell];
  const { stdout, stderr } = spawnSync(shell, [...flags, text], { cwd, env, encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout;
}

/** What a shell offers after these words; nothing: it goes on to files. */
const OFFERS: Readonly<Record<Shell, (...words: readonly string[]) => string>> = {
  bash(...words) {
    const typed = ["backwright", ...words].map((word) => `'${word}'`).join(" ");
    const ask = `COMP_WORDS=(${typed}); COMP_CWORD=${words.length}; _backwright`;
    return run("bash", `source ../bash; ${ask}; printf '%s\\n' "\${COMPREPLY[@]}"`);
  },
  // A second zsh in a pseudo-terminal of its own (zpty), with Tab as a key. What is offered goes
  // through compadd, which is listened to.
  zsh(...words) {
    const typed = ["backwright", ...words].join(" ");
    return run(
      "zsh",
      `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= ; source ../zsh"
zpty -w shell 'compadd() { offer "\${(@)@[\${@[(i)--]}+1,-1]}"; builtin compadd "$@" }'
zpty -w shell 'offer() { print -rl -- "\${(@)@:#^\${PREFIX}*}" >>../offered }'
zpty -w shell "touch ../ready"
repeat 200; do [[ -e ../ready ]] && break; sleep 0.05; done
zpty -w -n shell ${JSON.stringify(typed)}$'\\t'
repeat 40; do [[ -s ../offered ]] && break; sleep 0.05; done
sleep 0.2
while zpty -r -t shell part; do screen+=$part; done
zpty -d shell
cat ../offered
# Files do not come through our compadd: the line shows what became of it.
[[ -n "$(<../offered)" ]] || print -rl -- \${(M)\${=screen}:#${words.at(-1)}?*}
rm -f ../offered ../ready`,
    );
  },
  fish(...words) {
    const typed = ["backwright", ...words].join(" ");
    return run("fish", `source ../fish; complete -C '${typed}'`);
  },
};

function offers(shell: Shell, words: readonly string[]): readonly string[] {
  const lines = OFFERS[shell](...words).split("\n");
  const found = lines.map((line) => line.split("\t")[0] ?? "").filter((line) => line !== "");
  return [...new Set(found)].sort();
}

const CASES: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["mig"], ["migrate"]],
  [["migrate", "s"], ["status"]],
  [
    ["migrate", ""],
    ["down", "new", "status", "up"],
  ],
  [
    ["--project", "migrate", "keys", "r"],
    ["revoke", "rotate"],
  ],
  [["db", "re"], ["reset"]],
  [["keys", "create", "--sub"], ["--subject"]],
  [["completion", "z"], ["zsh"]],
  [["migrate", "status", "--verb"], ["--verbose"]],
  [
    ["access", "--format", ""],
    ["json", "markdown", "text"],
  ],
];

const isHere = (shell: Shell): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

describe.each(["bash", "zsh", "fish"] as const)("in %s", (shell) => {
  const isTried = shell === "bash" || isHere(shell);

  test.skipIf(!isTried).each(CASES)("%j is completed to %j", (words, expected) => {
    expect(offers(shell, words)).toEqual(expected);
  });

  test.skipIf(!isTried)("a free argument and a value without a list are files", () => {
    // bash does it itself, by `-o default`.
    const expected = shell === "bash" ? [] : ["requests.csv"];
    for (const words of [
      ["import", "sites", "req"],
      ["import", "--map", "req"],
    ]) {
      expect([words, offers(shell, words)]).toEqual([words, expected]);
    }
  });
});

test("the script of zsh names every command, wherever it is written", () => {
  const script = readFileSync(join(folder, "zsh"), "utf8");
  for (const word of ["migrate", "rotate", "--grace-minutes"]) expect(script).toContain(word);
});

test("completion of a shell that is not known is refused with those that are", async () => {
  const { code, stderr } = await runProgram(["completion", "tcsh"], { directory: "/" });
  expect([code, stderr]).toEqual([1, expect.stringContaining("bash, zsh, fish")]);
});
