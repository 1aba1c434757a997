/** One block of an event stream that says something. */
export interface Block {
  /** The stream's position after it; empty if it never said one, or took it back. */
  readonly position: string;
  /** The lines of `data`, joined with a line feed; `undefined` is a bookmark: only the position moved. */
  readonly data: string | undefined;
}

/** Characters of one line or event. */
const LENGTH_MAX = 32 << 20;

/**
 * Reads an event stream, cut anywhere (WHATWG HTML, "Server-sent events", 9.2.6). A block that no empty line
 * ends is none, and neither is its id a position: the stream is resumed before it.
 */
export class Parser {
  /** How long to wait before coming back, if the stream said so. */
  retryMs: number | undefined;
  #decoder = new TextDecoder();
  #line = "";
  /** The last character was CR: if LF follows, both are one end of a line. */
  #afterCr = false;
  #id = "";
  #position = "";
  #event = "";
  #data: string | undefined;

  constructor(private readonly lengthMax = LENGTH_MAX) {}

  *push(bytes: Uint8Array): Generator<Block> {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (text === "") return;
    if (this.#afterCr && text.startsWith("\n")) text = text.slice(1);
    this.#afterCr = text.endsWith("\r");
    const lines = text.split(/\r\n|\n|\r/);
    const rest = lines.pop() ?? "";
    for (const part of lines) {
      const line = this.#line + part;
      this.#line = "";
      if (line === "") yield* this.#dispatch();
      else this.#field(line);
    }
    this.#line += rest;
    if (this.#line.length > this.lengthMax) throw this.#tooLong();
  }

  #field(line: string): void {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    switch (name) {
      case "data":
        this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
        if (this.#data.length > this.lengthMax) throw this.#tooLong();
        break;
      case "event":
        this.#event = value;
        break;
      case "id":
        if (!value.includes("\0")) this.#id = value;
        break;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.retryMs = Number(value);
    }
  }

  *#dispatch(): Generator<Block> {
    const hasMoved = this.#id !== this.#position;
    this.#position = this.#id;
    // Named events are not for those who read messages.
    const data = this.#event === "" || this.#event === "message" ? this.#data : undefined;
    this.#data = undefined;
    this.#event = "";
    if (data !== undefined || hasMoved) yield { position: this.#position, data };
  }

  #tooLong(): RangeError {
    return new RangeError(`a line or an event of the stream is longer than ${this.lengthMax} characters`);
  }
}
