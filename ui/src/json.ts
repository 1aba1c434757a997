/** JSON as text: where it is wrong, and how it reads well. Numbers keep the digits they came with. */

export interface Mistake {
  readonly line: number;
  readonly column: number;
  readonly why: string;
}

/** As deep as the broker accepts. */
const NESTING_MAX = 64;
const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these unescaped.
const STRING = /"(?:[^"\\\u0000-\u001f]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

/** The first place where `text` is no JSON. Browsers do not agree on telling it. */
export function mistake(text: string): Mistake | null {
  const reader = new Reader(text);
  const why = reader.value(0) ?? reader.end();
  if (why === null) return null;
  const before = text.slice(0, reader.at).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1, why };
}

/** Each method gives what is wrong, with `at` where it is, or `null`. */
class Reader {
  at = 0;

  constructor(private readonly text: string) {}

  value(depth: number): string | null {
    this.eat(SPACE);
    const next = this.text[this.at];
    if (next === "{" || next === "[") {
      if (depth === NESTING_MAX) return `nested more than ${NESTING_MAX} levels deep`;
      return next === "{"
        ? this.members("}", () => this.member(depth + 1))
        : this.members("]", () => this.value(depth + 1));
    }
    if (next === '"') return this.string();
    return this.eat(NUMBER) || this.eat(WORD) ? null : `a value is expected, not ${this.here()}`;
  }

  end(): string | null {
    this.eat(SPACE);
    return this.at === this.text.length ? null : `nothing may follow, but there is ${this.here()}`;
  }

  private members(close: string, one: () => string | null): string | null {
    this.at += 1;
    this.eat(SPACE);
    if (this.take(close)) return null;
    for (;;) {
      const why = one();
      if (why !== null) return why;
      this.eat(SPACE);
      if (this.take(close)) return null;
      if (!this.take(",")) return `"," or "${close}" is expected, not ${this.here()}`;
    }
  }

  private member(depth: number): string | null {
    this.eat(SPACE);
    if (this.text[this.at] !== '"') return `a name in double quotes is expected, not ${this.here()}`;
    const why = this.string();
    if (why !== null) return why;
    this.eat(SPACE);
    return this.take(":") ? this.value(depth) : `":" is expected, not ${this.here()}`;
  }

  private string(): string | null {
    return this.eat(STRING) ? null : "this string does not end, or holds a character that must be escaped";
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private eat(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found !== null;
  }

  private here(): string {
    const next = this.text[this.at];
    return next === undefined ? "the end" : JSON.stringify(next);
  }
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;
const parseWith = JSON.parse as (text: string, reviver: Reviver) => unknown;
const { rawJSON } = JSON as { rawJSON?: (source: string) => unknown };

/**
 * Parses so that `pretty` writes every number as it came, also those that a double cannot hold.
 * Only for showing: where the browser can do it, such a number is no number any more.
 */
export function parseExact(text: string): unknown {
  return parseWith(text, (_, value, context) => {
    const source = context?.source;
    const isChanged = typeof value === "number" && source !== undefined && source !== String(value);
    return isChanged && rawJSON ? rawJSON(source) : value;
  });
}

export function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
