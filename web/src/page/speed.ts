/** How long back answers are counted. */
const WINDOW_MS = 2000;

/** Counts answers: how many a second, and how long each took, over the last two seconds. */
export class Speed {
  #answers: { atMs: number; tookMs: number }[] = [];

  /** Count an answer at a time that rises from call to call. */
  count(atMs: number, tookMs: number): void {
    this.#answers.push({ atMs, tookMs });
    while (this.#answers.length > 2 && atMs - this.#answers[0].atMs > WINDOW_MS) this.#answers.shift();
  }

  /** 0 until there are two. */
  get framesPerS(): number {
    const n = this.#answers.length;
    return n < 2 ? 0 : ((n - 1) * 1000) / (this.#answers[n - 1].atMs - this.#answers[0].atMs);
  }

  /** The median, which one slow answer does not move; 0 until there is one. */
  get typicalMs(): number {
    const sorted = this.#answers.map((answer) => answer.tookMs).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? 0;
  }
}
