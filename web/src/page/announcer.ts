/** What must hold for so long before it is said. */
const SETTLED_S = 1.5;
/** Between two announcements. */
const QUIET_S = 4;

/** Decides what a screen reader says of a stream: what has settled, when it has changed, and seldom. */
export class Announcer {
  #candidate = "";
  #sinceS = 0;
  #said = "";
  #saidS = Number.NEGATIVE_INFINITY;

  /** Given what is seen now, what to say now; null for nothing. */
  hear(seen: string, nowS: number): string | null {
    if (seen !== this.#candidate) {
      this.#candidate = seen;
      this.#sinceS = nowS;
    }
    if (seen === this.#said || nowS - this.#sinceS < SETTLED_S || nowS - this.#saidS < QUIET_S) return null;
    this.#said = seen;
    this.#saidS = nowS;
    return seen;
  }
}
