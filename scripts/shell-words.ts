// Splits the shell lines of the documentation into commands and words. Knows quotes, escapes,
// comments, continued lines, pipes and lists; expands nothing. Pure.

export interface ShellCommand {
  readonly words: readonly string[];
  /** NAME=value in front of the command, or alone. */
  readonly variables: readonly string[];
  /** Counted from 1 inside the block. */
  readonly line: number;
}

/**
 * The commands of a block, in order.
 * @throws {Error} for a quote that is never closed
 */
export function parseShell(source: string): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let words: string[] = [];
  let line = 1;
  let startedOn = 1;
  let at = 0;
  const endCommand = () => {
    if (words.length > 0) commands.push(toCommand(words, startedOn));
    words = [];
  };
  while (at < source.length) {
    const rest = source.slice(at);
    const gap = /^(?:[ \t]|\\\n)+/.exec(rest)?.[0] ?? /^#[^\n]*/.exec(rest)?.[0];
    const separator = /^(?:\n|;|&&|\|\|?)/.exec(rest)?.[0];
    const taken = gap ?? separator ?? wordAt(rest);
    if (separator) endCommand();
    else if (gap === undefined) {
      if (words.length === 0) startedOn = line;
      words.push(unquote(taken));
    }
    line += taken.split("\n").length - 1;
    at += taken.length;
  }
  endCommand();
  return commands;
}

function toCommand(words: readonly string[], line: number): ShellCommand {
  const first = words.findIndex((word) => !/^[A-Z_][A-Z0-9_]*=/.test(word));
  const count = first === -1 ? words.length : first;
  const variables = words.slice(0, count).map((word) => word.slice(0, word.indexOf("=")));
  return { words: words.slice(count), variables, line };
}

function wordAt(rest: string): string {
  const word = /^(?:\\[\s\S]|'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\$\([^)]*\)|[^\s;|&'"\\])+/.exec(rest);
  if (word) return word[0];
  if (/^['"]/.test(rest)) throw new Error(`a quote is not closed: ${rest.slice(0, 40)}`);
  return rest.slice(0, 1);
}

function unquote(word: string): string {
  return word.replace(
    /'(?<single>[^']*)'|"(?<double>(?:\\[\s\S]|[^"\\])*)"|\\(?<escaped>[\s\S])/g,
    (_all, single?: string, double?: string, escaped?: string) => {
      return single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? "";
    },
  );
}
