/** The eye does not read faster than this; a busy fleet would keep a core painting. */
const APART_MS = 100;
/** A page in the background gets no frames; then this is soon enough. */
const HIDDEN_MS = 500;
/** So much is not left waiting. */
const WAITING_MAX = 5_000;

/** Calls `draw` in an animation frame: in the next one when it was calm, else at most every 100 ms. */
export class Frames {
  private drawnAt = 0;
  private frame: number | undefined;
  private pause: ReturnType<typeof setTimeout> | undefined;
  private late: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly draw: () => void) {}

  ask(waiting: number): void {
    if (waiting >= WAITING_MAX) {
      this.now();
    } else if (this.late === undefined) {
      this.late = setTimeout(() => this.now(), HIDDEN_MS);
      this.pause = setTimeout(
        () => {
          this.frame = requestAnimationFrame(() => this.now());
        },
        this.drawnAt + APART_MS - performance.now(),
      );
    }
  }

  private now(): void {
    clearTimeout(this.late);
    clearTimeout(this.pause);
    if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    this.late = undefined;
    this.frame = undefined;
    this.draw();
    this.drawnAt = performance.now();
  }
}
