/** Messages to the page around this one, which asks for them with `?post=` and its origin. */

import type { Face } from "../reader/faces";
import type { Size } from "./geometry";
import { type FaceRecord, toRecord } from "./records";
import type { TextKey } from "./texts";

/** It is raised when a receiver of an older version could misread a newer message. */
export const VERSION = 1;

/** What the page around this one receives for each photo and each frame of the camera; never the image. */
export interface Message {
  type: "mini-xception";
  version: typeof VERSION;
  /** When the image was taken, in milliseconds, as `Date.now()`. */
  time_ms: number;
  /** Size of the image in pixels. */
  width: number;
  height: number;
  faces: PostedFace[];
}

/** A face with the evidence for each class, rows of cells; null if the network does not give it. */
export type PostedFace = FaceRecord & { evidence: Record<string, number[][]> | null };

/** Where the messages go, or the text that says why they go nowhere. */
export type Target = { origin: string } | { fault: TextKey };

/**
 * Check the value of `?post=`.
 *
 * @param isFramed whether another page shows this one in a frame.
 * @param around the origin of that page; undefined where the browser does not tell it.
 */
export function checkTarget(value: string, isFramed: boolean, around: string | undefined): Target {
  // The pattern excludes paths, credentials and "*", which `URL` would accept or drop.
  const isOrigin = /^https?:\/\/[^\s/\\?#@*]+$/i.test(value) && URL.canParse(value);
  if (!isOrigin) return { fault: "post_invalid" };
  if (!isFramed) return { fault: "post_unframed" };
  const { origin } = new URL(value);
  return around === undefined || around === origin ? { origin } : { fault: "post_elsewhere" };
}

export function toMessage(faces: readonly Face[], labels: readonly string[], size: Size, timeMs: number): Message {
  const { width, height } = size;
  const records = faces.map((face) => {
    const { evidence } = face;
    const maps = evidence && Object.fromEntries(labels.map((label, i) => [label, evidence[i]]));
    return { ...toRecord(face, labels), evidence: maps };
  });
  return { type: "mini-xception", version: VERSION, time_ms: timeMs, width, height, faces: records };
}
