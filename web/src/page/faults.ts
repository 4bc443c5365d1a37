import type { Failure } from "../protocol";
import type { TextKey } from "./texts";

/** What went wrong, as the key of the line that says what to do. */
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

/** What the worker answers when it cannot read. */
export function workerFault(why: Failure, detail: string): Fault {
  const keys: Record<Failure, TextKey> = {
    "no-simd": "no_simd",
    "no-download": "no_download",
    "bad-checkpoint": "bad_checkpoint",
    "lost-device": "lost_device",
    "bad-picture": "bad_picture",
    other: "other",
  };
  return new Fault(keys[why], detail);
}

/** What `getUserMedia` throws; its names are those of https://w3c.github.io/mediacapture-main/#dom-mediadevices-getusermedia */
export function cameraFault(error: unknown): Fault {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  const keys: Record<string, TextKey> = {
    NotAllowedError: "camera_refused",
    SecurityError: "camera_refused",
    NotFoundError: "camera_missing",
  };
  return new Fault(keys[name] ?? "camera_taken", String(error), { cause: error });
}
