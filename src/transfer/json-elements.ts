// Cuts a JSON array into the texts of its elements while it is read, so that no more than one is in
// memory. Whether each is JSON is left to whoever parses it.

/** Takes a document in pieces. Throws SyntaxError for one that is no array. */
export class JsonElements {
  readonly #lengthMax: number;
  /** What has come of the element that is open. */
  #open = "";
  /** 0: outside the array; 1: between the parts of an element; more: inside one. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #hasBegun = false;
  #hasElements = false;

  /** LIMIT: in characters; of a longer element so many and one more are held, and yielded. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** The elements that are whole by now. */
  *take(chunk: string): Generator<string> {
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const character = chunk.charAt(at);
      if (this.#isInString) this.#goOnInString(character);
      else if (this.#depth === 0) {
        this.#outside(character);
        from = at + 1;
      } else {
        const isEnd = this.#inside(character);
        if (!isEnd) continue;
        const text = this.#whole(chunk.slice(from, at), character);
        from = at + 1;
        if (text !== undefined) yield text;
      }
    }
    this.#open = this.#held(chunk.slice(from));
  }

  /** Throws SyntaxError where the array has not ended. */
  end(): void {
    if (!this.#hasBegun) throw new SyntaxError("it is not a JSON array");
    if (this.#depth > 0) throw new SyntaxError("the array does not end");
  }

  #goOnInString(character: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (character === "\\") this.#isEscaped = true;
    else if (character === '"') this.#isInString = false;
  }

  #outside(character: string): void {
    if (" \n\r\t".includes(character)) return;
    if (character !== "[") throw new SyntaxError("it is not a JSON array");
    if (this.#hasBegun) throw new SyntaxError("something follows the array");
    this.#hasBegun = true;
    this.#depth = 1;
  }

  /** Whether an element ends before this character. */
  #inside(character: string): boolean {
    if (character === '"') this.#isInString = true;
    else if (character === "[" || character === "{") this.#depth += 1;
    else if (character === "]" || character === "}") {
      this.#depth -= 1;
      return this.#depth === 0;
    }
    return character === "," && this.#depth === 1;
  }

  #held(more: string): string {
    const most = this.#lengthMax + 1;
    return this.#open.length === most ? this.#open : (this.#open + more).slice(0, most);
  }

  /** Undefined: the array is empty. */
  #whole(last: string, end: string): string | undefined {
    const text = this.#held(last);
    this.#open = "";
    const isBlank = text.length <= this.#lengthMax && text.trim() === "";
    if (end === "]" && isBlank && !this.#hasElements) return undefined;
    if (end === "}" || isBlank) throw new SyntaxError("the array has a part that is not JSON");
    this.#hasElements = true;
    return text;
  }
}
