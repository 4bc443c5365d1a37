/** The kinds of failures. The page has a text for each kind. */
export type Failure = "no-simd" | "no-download" | "bad-checkpoint" | "lost-device" | "bad-image" | "other";

/** The reader's only exception. The one-line message says what is wrong. */
export class MiniXceptionError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, message: string, cause?: unknown) {
    super(message, { cause });
    this.failure = failure;
  }
}
