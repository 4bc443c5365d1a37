/** Faces that keep their identity from frame to frame, with probabilities that are steady in time. */

import type { Face } from "../protocol";
import type { Box, UntrackedFace } from "./faces";

/** Time in which the smoothed probabilities go 63 % of the way to what the frames show. */
export const SMOOTHING_S = 0.3;
/** A face that was not seen for longer than this is another one when it comes back. */
export const FORGET_S = 1.0;
/** A face is the same one where its box overlaps the expected box by this share of their union. */
export const MIN_IOU = 0.3;
/** As SMOOTHING_S, for the speed of a face: short, since a speed learnt late is of no use when two faces cross. */
export const MOTION_S = 0.1;

/** What is remembered of a face: where and when it was last seen, and its speed in pixels a second. */
interface Track {
  face: Face;
  timeS: number;
  velocity: [number, number];
}

/** Follows faces by the overlap of their boxes, and smooths their probabilities exponentially. */
export class Tracker {
  /** Those of the last frame. */
  faces: Face[] = [];
  private tracks: Track[] = [];
  private lastId = 0;

  /**
   * Take in the faces of the next frame; they come back in the same order.
   *
   * @param timeS the frame's time. After a step back in time, as at a cut, every face is a new one.
   */
  update(faces: UntrackedFace[], timeS: number): Face[] {
    this.tracks = this.tracks.filter((track) => track.timeS <= timeS && timeS - track.timeS <= FORGET_S);
    const expected = this.tracks.map((track) => expectedBox(track, timeS));
    const known = match(
      expected,
      faces.map((face) => face.box),
    );
    const before = this.tracks;
    this.tracks = [...before];
    this.faces = faces.map((face, i) => {
      const track = before[known.get(i) ?? -1];
      if (track) {
        see(track, face, timeS);
        return track.face;
      }
      const appeared: Track = { face: { id: ++this.lastId, ...face }, timeS, velocity: [0, 0] };
      this.tracks.push(appeared);
      return appeared.face;
    });
    return this.faces;
  }
}

/** Intersection over union of two boxes. */
export function iou(box: Box, other: Box): number {
  const width = Math.max(Math.min(box[2], other[2]) - Math.max(box[0], other[0]), 0);
  const height = Math.max(Math.min(box[3], other[3]) - Math.max(box[1], other[1]), 0);
  const area = ([x1, y1, x2, y2]: Box) => (x2 - x1) * (y2 - y1);
  return (width * height) / (area(box) + area(other) - width * height);
}

function expectedBox({ face, timeS, velocity }: Track, nowS: number): Box {
  const [right, down] = velocity.map((speed) => speed * (nowS - timeS));
  const [x1, y1, x2, y2] = face.box;
  return [x1 + right, y1 + down, x2 + right, y2 + down];
}

function see(track: Track, face: UntrackedFace, timeS: number): void {
  const elapsedS = timeS - track.timeS;
  if (elapsedS > 0) {
    for (const axis of [0, 1]) {
      const moved = (centre(face.box, axis) - centre(track.face.box, axis)) / elapsedS;
      track.velocity[axis] += share(elapsedS, MOTION_S) * (moved - track.velocity[axis]);
    }
  }
  const smoothing = share(elapsedS, SMOOTHING_S);
  const probabilities = track.face.probabilities.map(
    (before, label) => before + smoothing * (face.probabilities[label] - before),
  );
  track.face = { ...face, id: track.face.id, probabilities };
  track.timeS = timeS;
}

/** For each box that has one, the index of its expected box: the best overlap is taken first. */
function match(expected: Box[], boxes: Box[]): Map<number, number> {
  const pairs = expected.flatMap((one, track) => boxes.map((box, i) => ({ track, i, overlap: iou(one, box) })));
  const matched = new Map<number, number>();
  const taken = new Set<number>();
  for (const { track, i, overlap } of pairs.sort((one, other) => other.overlap - one.overlap)) {
    if (overlap < MIN_IOU) break;
    if (matched.has(i) || taken.has(track)) continue;
    matched.set(i, track);
    taken.add(track);
  }
  return matched;
}

/** How far an exponential average goes towards a new value in this time, in [0, 1]. */
function share(elapsedS: number, constantS: number): number {
  return -Math.expm1(-elapsedS / constantS);
}

function centre(box: Box, axis: number): number {
  return (box[axis] + box[axis + 2]) / 2;
}
