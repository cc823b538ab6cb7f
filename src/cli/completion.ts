// Completion scripts, made of the commands themselves: tables from what was typed to what may
// follow. The shell asks nobody while one types.
import type { Command, Option } from "commander";
import { write } from "./output.ts";

interface Place {
  /** The commands that lead here, with a blank between: "" is the program itself. */
  readonly path: string;
  /** Commands and closed lists; none where an argument is free, so that files are offered. */
  readonly words: readonly string[];
  readonly options: readonly string[];
  /** Options that take a value → what it may be; nothing: files are offered. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

export function printCompletion(program: Command, shell: string): void {
  const places = placesOf(program);
  write(shell === "fish" ? fish(places) : shell === "zsh" ? zsh(places) : bash(places));
}

function placesOf(program: Command): readonly Place[] {
  const visit = (command: Command, path: string): Place[] => {
    const children = command.commands.flatMap((child) =>
      [child.name(), ...child.aliases()].map((name) => ({ child, name })),
    );
    const inner = children.flatMap(({ child, name }) =>
      visit(child, path === "" ? name : `${path} ${name}`),
    );
    const own = [...new Set([...command.options, ...program.options])];
    const options = ["--help", ...own.flatMap(nameOf)].sort();
    const choices = command.registeredArguments.flatMap((one) => one.argChoices ?? []);
    const words = [...children.map(({ name }) => name), ...choices].sort();
    const isFree = command.registeredArguments.length > 0;
    const values = new Map(
      own
        .filter((option) => option.required)
        .flatMap((option) => nameOf(option).map((name) => [name, option.argChoices ?? []])),
    );
    return [
      { path, words: words.length > 0 || isFree ? words : options, options, values },
      ...inner,
    ];
  };
  return visit(program, "");
}

const nameOf = ({ long }: Option): readonly string[] => (long == null ? [] : [long]);

// The words before the cursor that are commands, as far as there is such a place: options and their
// values are passed over. Names that neither shell keeps for itself (zsh: path, words).
const ANSWER = `_backwright_answer() {
  local current="$1" place="" next="" word="" taken=""
  shift
  for word in "$@"; do
    if [[ -n "$taken" ]]; then
      taken=""
    elif _backwright_values "$place $word" >/dev/null; then
      taken="$word"
    else
      next="\${place:+$place }$word"
      [[ -n "$(_backwright_options "$next")" ]] && place="$next"
    fi
  done
  if [[ -n "$taken" ]]; then
    _backwright_values "$place $taken"
  elif [[ "$current" == -* ]]; then
    _backwright_options "$place"
  else
    _backwright_words "$place"
  fi
}
`;

/** A function that prints the words of a key, and fails for a key that it does not know. */
function table(name: string, rows: Iterable<readonly [string, readonly string[]]>): string {
  const cases = [...rows].map(([key, words]) => `    "${key}") echo "${words.join(" ")}" ;;`);
  const body = [...cases, "    *) return 1 ;;"].join("\n");
  return `_backwright_${name}() {\n  case "$1" in\n${body}\n  esac\n}\n`;
}

type Rows = readonly (readonly [string, readonly string[]])[];

function tablesOf(places: readonly Place[]): Readonly<Record<string, Rows>> {
  return {
    words: places.map(({ path, words }) => [path, words]),
    options: places.map(({ path, options }) => [path, options]),
    values: places.flatMap(({ path, values }) =>
      [...values].map(([option, choices]) => [`${path} ${option}`, choices] as const),
    ),
  };
}

function common(places: readonly Place[]): string {
  const tables = Object.entries(tablesOf(places)).map(([name, rows]) => table(name, rows));
  return [...tables, ANSWER].join("");
}

function bash(places: readonly Place[]): string {
  return `${common(places)}
_backwright() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  local list="$(_backwright_answer "$current" "\${COMP_WORDS[@]:1:COMP_CWORD-1}")"
  COMPREPLY=($(compgen -W "$list" -- "$current"))
}
complete -o default -F _backwright backwright
`;
}

// Without a compinit in somebody's .zshrc there would be no compdef.
function zsh(places: readonly Place[]): string {
  return `${common(places)}
_backwright() {
  local -a found
  found=(\${=$(_backwright_answer "\${words[CURRENT]}" "\${(@)words[2,CURRENT-1]}")})
  compadd -- $found || _files
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
compdef _backwright backwright
`;
}

function fish(places: readonly Place[]): string {
  const tables = Object.entries(tablesOf(places)).map(([name, rows]) => fishTable(name, rows));
  return `${tables.join("")}
function __backwright_answer
    set -l place ''
    set -l taken ''
    for word in (commandline -opc)[2..-1]
        if test -n "$taken"
            set taken ''
        else if __backwright_values "$place $word" >/dev/null
            set taken $word
        else
            set -l next (string trim -- "$place $word")
            test (count (__backwright_options "$next")) -gt 0; and set place $next
        end
    end
    if test -n "$taken"
        __backwright_values "$place $taken"
    else if string match -q -- '-*' (commandline -ct)
        __backwright_options "$place"
    else
        __backwright_words "$place"
    end
end
function __backwright_complete
    set -l current (commandline -ct)
    string match -- "$current*" (__backwright_answer); or __fish_complete_path "$current"
end
complete -c backwright -f -a '(__backwright_complete)'
`;
}

function fishTable(name: string, rows: Rows): string {
  const cases = rows.map(([key, words]) => {
    const list = words.map((word) => `'${word}'`).join(" ");
    const printed = words.length === 0 ? "" : `            printf '%s\\n' ${list}\n`;
    return `        case '${key}'\n${printed}            return 0\n`;
  });
  const body = `    switch "$argv[1]"\n${cases.join("")}    end\n    return 1\n`;
  return `function __backwright_${name}\n${body}end\n`;
}
