import type { Face } from "../reader/faces";

/** Length of the chart in seconds. */
export const WINDOW_S = 30;
/** Length of the stream that is kept for the CSV file, in seconds. */
const KEPT_S = 3600;
/** The chart has a gap where a face was missing for more than this many seconds. */
export const GAP_S = 1;
/** Seconds between two points of the chart. */
const STEP_S = 0.1;

/** A face's probabilities at a time in seconds. */
export interface Moment {
  timeS: number;
  probabilities: readonly number[];
}

/** The faces of a stream, frame by frame. */
export class Timeline {
  #frames: { timeS: number; faces: readonly Face[] }[] = [];

  /** Add the next frame's faces, the largest first. */
  add(timeS: number, faces: readonly Face[]): void {
    this.#frames.push({ timeS, faces });
    // Once a minute, because removing the first element of a long array is slow.
    if (timeS - this.#frames[0].timeS > KEPT_S + 60) {
      this.#frames = this.#frames.filter((frame) => timeS - frame.timeS <= KEPT_S);
    }
  }

  forget(): void {
    this.#frames = [];
  }

  /** All frames that are kept. Their times count from the first of them. */
  get frames(): { timeS: number; faces: readonly Face[] }[] {
    return this.#frames.map(({ timeS, faces }) => ({ timeS: timeS - this.#frames[0].timeS, faces }));
  }

  /**
   * Return the last WINDOW_S seconds of a face, as stretches without a gap.
   *
   * @param trackId the face's track id; null for the largest face of each frame.
   */
  recent(nowS: number, trackId: number | null): Moment[][] {
    let first = this.#frames.length;
    while (first > 0 && nowS - this.#frames[first - 1].timeS <= WINDOW_S) first--;
    const stretches: Moment[][] = [];
    let lastS = Number.NEGATIVE_INFINITY;
    for (const { timeS, faces } of this.#frames.slice(first)) {
      const face = trackId === null ? faces[0] : faces.find((face) => face.trackId === trackId);
      if (!face) continue;
      if (Math.floor(timeS / STEP_S) === Math.floor(lastS / STEP_S)) continue;
      if (timeS - lastS > GAP_S) stretches.push([]);
      stretches[stretches.length - 1].push({ timeS, probabilities: face.probabilities });
      lastS = timeS;
    }
    return stretches;
  }
}
