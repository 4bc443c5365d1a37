import type { Face } from "../protocol";
import { indexOfHighest } from "./emotions";

/** What the page shows. */
export const WINDOW_S = 30;
/** What is kept to be saved. */
const KEPT_S = 3600;
/** Where a face was not seen for longer than this, its rows are empty. */
export const GAP_S = 1;
/** What is drawn is this far apart. */
const STEP_S = 0.1;

/** A time in seconds, and a face's probabilities then. */
export interface Moment {
  timeS: number;
  probabilities: readonly number[];
}

/** The faces of a stream, frame by frame. */
export class Timeline {
  #frames: { timeS: number; faces: readonly Face[] }[] = [];

  /** Take in the next frame's faces, largest first. */
  add(timeS: number, faces: readonly Face[]): void {
    this.#frames.push({ timeS, faces });
    // In bulk: an array is not shifted thirty times a second.
    if (timeS - this.#frames[0].timeS > KEPT_S + 60) {
      this.#frames = this.#frames.filter((frame) => timeS - frame.timeS <= KEPT_S);
    }
  }

  forget(): void {
    this.#frames = [];
  }

  /**
   * The last WINDOW_S seconds, in stretches without a gap.
   *
   * @param id the face's; null for whichever was the largest.
   */
  recent(nowS: number, id: number | null): Moment[][] {
    let first = this.#frames.length;
    while (first > 0 && nowS - this.#frames[first - 1].timeS <= WINDOW_S) first--;
    const stretches: Moment[][] = [];
    let lastS = Number.NEGATIVE_INFINITY;
    for (const { timeS, faces } of this.#frames.slice(first)) {
      const face = id === null ? faces[0] : faces.find((face) => face.id === id);
      if (!face) continue;
      if (Math.floor(timeS / STEP_S) === Math.floor(lastS / STEP_S)) continue;
      if (timeS - lastS > GAP_S) stretches.push([]);
      stretches[stretches.length - 1].push({ timeS, probabilities: face.probabilities });
      lastS = timeS;
    }
    return stretches;
  }

  /** A row for each face of each frame; the columns are those of `mini-xception video --csv`, times since the first. */
  toCsv(labels: readonly string[]): string {
    const rows = [["time_s", "face_id", "x1", "y1", "x2", "y2", "score", "emotion", ...labels.map(quoted)]];
    for (const { timeS, faces } of this.#frames) {
      for (const { id, box, score, probabilities } of faces) {
        const numbers = [timeS - this.#frames[0].timeS, score, ...probabilities].map((value) => value.toFixed(6));
        const emotion = quoted(labels[indexOfHighest(probabilities)]);
        rows.push([numbers[0], String(id), ...box.map(String), numbers[1], emotion, ...numbers.slice(2)]);
      }
    }
    return `${rows.map((row) => row.join(",")).join("\r\n")}\r\n`;
  }
}

/** A field as RFC 4180 has it. */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
