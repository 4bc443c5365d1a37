/** Faces that keep their identity from frame to frame, with probabilities smoothed over time. */

import { type Box, iou } from "../boxes";
import type { Face } from "../faces";

/** Time constant of the exponential smoothing of probabilities, in seconds. */
export const SMOOTHING_S = 0.3;
/**
 * A face that was not seen for more than this many seconds gets a new identity when it returns. A pause between two
 * frames does not count, because the face could not be seen.
 */
export const FORGET_S = 1.0;
/**
 * A face's velocity predicts its position for this many seconds. After a longer time, its last position is the better
 * guess.
 */
export const PREDICT_S = 1.0;
/** A face keeps its identity if its box and the expected box have at least this intersection over union. */
export const MIN_IOU = 0.3;
/**
 * Time constant of the smoothing of a face's velocity, in seconds. It is short, because the velocity must be known
 * before two faces cross.
 */
export const MOTION_S = 0.1;

/** A face's last observation, its time in seconds, and its velocity in pixels per second. */
interface Track {
  face: Face;
  timeS: number;
  velocity: [number, number];
}

/**
 * Matches faces by the overlap of their boxes, and smooths their probabilities exponentially. Each face's position is
 * predicted from its velocity, so faces may cross. A face that is in two consecutive frames keeps its identity, however
 * far apart they are.
 */
export class Tracker {
  /** The faces of the last frame, with track ids and smoothed probabilities. */
  faces: Face[] = [];
  private tracks: Track[] = [];
  private lastId = 0;
  private lastS = Number.NEGATIVE_INFINITY;

  /**
   * Match the faces of the next frame to the known faces.
   *
   * @param faces the frame's faces, before smoothing.
   * @param timeS the frame's time in seconds. After a step back in time, all faces count as new.
   * @returns the faces in the same order, with track ids and smoothed probabilities. Ids count from 1.
   */
  update(faces: Face[], timeS: number): Face[] {
    const known = this.tracks.filter((track) => this.remembers(track, timeS));
    this.lastS = timeS;
    const matched = match(
      known.map((track) => expectedBox(track, timeS)),
      faces.map((face) => face.box),
    );
    this.tracks = [...known];
    this.faces = faces.map((face, i) => {
      const track = known[matched.get(i) ?? -1];
      if (track) {
        see(track, face, timeS);
        return track.face;
      }
      const appeared: Track = { face: { ...face, trackId: ++this.lastId }, timeS, velocity: [0, 0] };
      this.tracks.push(appeared);
      return appeared.face;
    });
    return this.faces;
  }

  private remembers(track: Track, timeS: number): boolean {
    const unseenS = timeS - track.timeS;
    const seenInThePreviousFrame = track.timeS === this.lastS;
    return unseenS >= 0 && (unseenS <= FORGET_S || seenInThePreviousFrame);
  }
}

function expectedBox({ face, timeS, velocity }: Track, nowS: number): Box {
  const elapsedS = nowS - timeS;
  const [right, down] = velocity.map((speed) => speed * (elapsedS <= PREDICT_S ? elapsedS : 0));
  const [x1, y1, x2, y2] = face.box;
  return [x1 + right, y1 + down, x2 + right, y2 + down];
}

function see(track: Track, face: Face, timeS: number): void {
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
  track.face = { ...face, probabilities, trackId: track.face.trackId };
  track.timeS = timeS;
}

/** Map each matched box to the index of its expected box. The largest overlap is matched first. */
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

/** Return the weight, in [0, 1], of a new value in an exponential average, `elapsedS` after the previous one. */
function share(elapsedS: number, constantS: number): number {
  return -Math.expm1(-elapsedS / constantS);
}

function centre(box: Box, axis: number): number {
  return (box[axis] + box[axis + 2]) / 2;
}
