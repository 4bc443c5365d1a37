/** A text must stay the same for this many seconds before it is announced. */
const SETTLED_S = 1.5;
/** Minimum seconds between two announcements. */
const QUIET_S = 4;

/** Decides what a screen reader announces during a stream: only settled changes, and not too often. */
export class Announcer {
  #candidate = "";
  #sinceS = 0;
  #announced = "";
  #announcedS = Number.NEGATIVE_INFINITY;

  /** Return the text to announce now, or null. */
  update(text: string, nowS: number): string | null {
    if (text !== this.#candidate) {
      this.#candidate = text;
      this.#sinceS = nowS;
    }
    if (text === this.#announced || nowS - this.#sinceS < SETTLED_S || nowS - this.#announcedS < QUIET_S) return null;
    this.#announced = text;
    this.#announcedS = nowS;
    return text;
  }
}
