/** The kind of a failure; the page has a text for each. */
export type Failure = "no-simd" | "no-download" | "bad-checkpoint" | "lost-device" | "bad-image" | "other";

/** The reader's one exception. The message says in one line what is wrong. */
export class MiniXceptionError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, message: string, cause?: unknown) {
    super(message, { cause });
    this.failure = failure;
  }
}
