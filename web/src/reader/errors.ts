import type { Failure } from "../protocol";

/** Why nothing can be read; the message says in one line what was wrong. */
export class ReaderError extends Error {
  readonly why: Failure;

  constructor(why: Failure, message: string, cause?: unknown) {
    super(message, { cause });
    this.why = why;
  }
}
