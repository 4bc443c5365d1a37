/** Faces as CSV, with the columns of `mini_xception/table.py`. */

import type { Face } from "../reader/faces";
import { LANDMARKS, rollDegrees } from "../reader/landmarks";
import { indexOfHighest } from "./emotions";

/** The columns of the landmarks. */
export const LANDMARK_COLUMNS = ["roll_degrees", ...LANDMARKS.flatMap((name) => [`${name}_x`, `${name}_y`])];
/** The columns that precede the labels' probabilities. For a photo, `time_s` and `track_id` are empty. */
export const COLUMNS = [
  "path",
  "time_s",
  "track_id",
  "x1",
  "y1",
  "x2",
  "y2",
  "score",
  "emotion",
  "confidence",
  ...LANDMARK_COLUMNS,
];

/** The faces of one image, and its time in seconds; a photo's time is null. */
export interface Frame {
  timeS: number | null;
  faces: readonly Face[];
}

/**
 * Return a CSV file with one row per face.
 *
 * @param path the photo's file name, or "camera".
 * @param labels in the order of the probabilities.
 */
export function toCsv(path: string, frames: readonly Frame[], labels: readonly string[]): string {
  const rows = frames.flatMap(({ timeS, faces }) => faces.map((face) => toRow(path, face, timeS, labels)));
  return [[...COLUMNS, ...labels], ...rows].map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
}

function toRow(path: string, face: Face, timeS: number | null, labels: readonly string[]): string[] {
  const { box, score, landmarks, probabilities, trackId } = face;
  const best = indexOfHighest(probabilities);
  const time = timeS === null ? "" : decimal(timeS);
  const track = trackId === null ? "" : String(trackId);
  const numbers = [score, probabilities[best], rollDegrees(landmarks), ...landmarks.flat(), ...probabilities].map(
    decimal,
  );
  return [path, time, track, ...box.map(String), numbers[0], labels[best], ...numbers.slice(1)];
}

function decimal(value: number): string {
  return value.toFixed(6);
}

/** Quote a field as in RFC 4180. */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
