/** Answers older than this are dropped. */
const WINDOW_MS = 2000;

/** The frame rate and the time per frame over the last two seconds. */
export class Speed {
  #answers: { atMs: number; tookMs: number }[] = [];

  /** Count an answer. Times must increase from call to call. */
  count(atMs: number, tookMs: number): void {
    this.#answers.push({ atMs, tookMs });
    while (this.#answers.length > 2 && atMs - this.#answers[0].atMs > WINDOW_MS) this.#answers.shift();
  }

  /** Answers per second; 0 before the second answer. */
  get framesPerS(): number {
    const n = this.#answers.length;
    return n < 2 ? 0 : ((n - 1) * 1000) / (this.#answers[n - 1].atMs - this.#answers[0].atMs);
  }

  /** The median time per answer, which is robust to single slow answers; 0 before the first answer. */
  get typicalMs(): number {
    const sorted = this.#answers.map((answer) => answer.tookMs).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? 0;
  }
}
