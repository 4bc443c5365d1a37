import type { Failure } from "../reader/errors";
import type { TextKey } from "./texts";

/** An error with the key of the text that tells the visitor what to do. */
export class Fault extends Error {
  override name = "Fault";

  constructor(
    readonly key: TextKey,
    detail: string,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}

/** Convert a failure of the worker to a fault. */
export function workerFault(failure: Failure, detail: string): Fault {
  const keys: Record<Failure, TextKey> = {
    "no-simd": "no_simd",
    "no-download": "no_download",
    "bad-checkpoint": "bad_checkpoint",
    "lost-device": "lost_device",
    "bad-image": "bad_image",
    other: "other",
  };
  return new Fault(keys[failure], detail);
}

/**
 * Convert an error of `getUserMedia` to a fault.
 *
 * See https://w3c.github.io/mediacapture-main/#dom-mediadevices-getusermedia
 */
export function cameraFault(error: unknown): Fault {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  const keys: Record<string, TextKey> = {
    NotAllowedError: "camera_refused",
    SecurityError: "camera_refused",
    NotFoundError: "camera_missing",
  };
  return new Fault(keys[name] ?? "camera_in_use", String(error), { cause: error });
}
