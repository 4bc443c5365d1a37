/** Faces as objects with the names of Python's `Face.to_dict`. */

import type { Face } from "../reader/faces";
import { rollDegrees } from "../reader/landmarks";
import { indexOfHighest } from "./emotions";
import type { Frame } from "./table";

/** A face in a JSON file, or in a message to the page around this one. */
export interface FaceRecord {
  /** x1, y1, x2, y2 in pixels of the image. */
  box: readonly number[];
  /** The detector's confidence in [0, 1]. */
  score: number;
  emotion: string;
  /** The probability of `emotion`. */
  confidence: number;
  probabilities: Record<string, number>;
  track_id: number | null;
  landmarks: readonly (readonly number[])[];
  roll_degrees: number;
}

/** @param labels in the order of the probabilities. */
export function toRecord(face: Face, labels: readonly string[]): FaceRecord {
  const { box, score, landmarks, probabilities, trackId } = face;
  const best = indexOfHighest(probabilities);
  return {
    box,
    score,
    emotion: labels[best],
    confidence: probabilities[best],
    probabilities: Object.fromEntries(labels.map((label, i) => [label, probabilities[i]])),
    track_id: trackId,
    landmarks,
    roll_degrees: rollDegrees(landmarks),
  };
}

/**
 * Return a JSON file: a photo's faces like `mini-xception predict --json`, a camera's faces frame by frame.
 *
 * @param path the photo's file name, or "camera".
 */
export function toJson(path: string, frames: readonly Frame[], labels: readonly string[]): string {
  const records = frames.map(({ timeS, faces }) => ({
    time_s: timeS,
    faces: faces.map((face) => toRecord(face, labels)),
  }));
  const isPhoto = records.length === 1 && records[0].time_s === null;
  return JSON.stringify(isPhoto ? { path, faces: records[0].faces } : { path, frames: records });
}
