// Completion scripts, made of the commands themselves: a table from what was typed to what may
// follow. The shell asks nobody while one types.
import type { Command } from "commander";
import { write } from "./output.ts";

interface Place {
  /** The commands that lead here, with a blank between: "" is the program itself. */
  readonly path: string;
  readonly words: readonly string[];
}

export function printCompletion(program: Command, shell: string): void {
  const places = placesOf(program);
  write(shell === "fish" ? fish(places) : shell === "zsh" ? zsh(places) : bash(places));
}

function placesOf(program: Command): readonly Place[] {
  const general = optionsOf(program);
  const visit = (command: Command, path: string): Place[] => {
    const words = new Set<string>(["--help"]);
    for (const option of [...optionsOf(command), ...general]) words.add(option);
    for (const argument of command.registeredArguments) {
      for (const choice of argument.argChoices ?? []) words.add(choice);
    }
    const inner = command.commands.flatMap((child) =>
      [child.name(), ...child.aliases()].flatMap((name) => {
        words.add(name);
        return visit(child, path === "" ? name : `${path} ${name}`);
      }),
    );
    return [{ path, words: [...words].sort() }, ...inner];
  };
  return visit(program, "");
}

function optionsOf(command: Command): readonly string[] {
  return command.options.flatMap((option) => (option.long == null ? [] : [option.long]));
}

// The words before the cursor that are commands, as far as there is such a place: options and their
// values are passed over. Names that neither shell keeps for itself (zsh: path, words).
const WALK = `  local place="" next list word
  for word in "\${typed[@]}"; do
    next="\${place:+$place }$word"
    [[ -n "$(_backwright_words "$next")" ]] && place="$next"
  done
  list="$(_backwright_words "$place")"`;

function wordsFunction(places: readonly Place[]): string {
  const cases = places.map(({ path, words }) => `    "${path}") echo "${words.join(" ")}" ;;`);
  return `_backwright_words() {\n  case "$1" in\n${cases.join("\n")}\n  esac\n}\n`;
}

function bash(places: readonly Place[]): string {
  return `${wordsFunction(places)}
_backwright() {
  local typed=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${WALK}
  COMPREPLY=($(compgen -W "$list" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _backwright backwright
`;
}

function zsh(places: readonly Place[]): string {
  return `${wordsFunction(places)}
_backwright() {
  local -a typed
  typed=("\${(@)words[2,CURRENT-1]}")
${WALK}
  compadd -- \${=list} || _files
}
compdef _backwright backwright
`;
}

function fish(places: readonly Place[]): string {
  const cases = places.map(({ path, words }) => {
    return `        case '${path}'\n            string split ' ' '${words.join(" ")}'`;
  });
  return `function __backwright_words
    switch "$argv[1]"
${cases.join("\n")}
    end
end
function __backwright_complete
    set -l place ''
    for word in (commandline -opc)[2..]
        set -l next (string trim "$place $word")
        test -n "$(__backwright_words "$next")"; and set place $next
    end
    __backwright_words "$place"
end
complete -c backwright -a '(__backwright_complete)'
`;
}
