/** The state of a stream between frames: its faces, and when the whole image was last searched. */

import type { Face } from "../faces";
import { Tracker } from "./tracker";

/** The whole image is searched once in this many frames, so a new face is found after 10 frames at most. */
export const DETECT_EVERY = 10;
/** If the frames come slowly, the whole image is searched at least once in this many seconds. */
export const DETECT_EVERY_S = 1.0;
/**
 * Detecting near one known face costs as much as searching this many pixels. If the image has fewer pixels per known
 * face, searching the whole image is cheaper.
 */
export const NEAR_PIXELS = 50_000;

/** The memory of one stream. It holds neither images nor networks. */
export class StreamMemory {
  private readonly tracker = new Tracker();
  private framesUntilSearch = 0;
  private searchedS = Number.NEGATIVE_INFINITY;
  private lastS = Number.NEGATIVE_INFINITY;

  /** Whether the next frame should be searched thoroughly, also for tilted and small faces. */
  get searchIsDue(): boolean {
    return this.framesUntilSearch === 0;
  }

  /**
   * Return the faces near which the next frame's faces should be detected.
   *
   * An empty list means that faces should be detected in the whole image. This is the case if no face is known, if a
   * search is due, or if the image is so small and has so many faces that this is cheaper.
   *
   * @param height height of the next frame in pixels.
   * @param width width of the next frame in pixels.
   */
  facesToFollow(height: number, width: number): readonly Face[] {
    const { faces } = this.tracker;
    const worthwhile = !this.searchIsDue && faces.length * NEAR_PIXELS <= height * width;
    return worthwhile ? faces : [];
  }

  /**
   * Store a frame's faces, and return them with track ids and smoothed probabilities, in the same order.
   *
   * @param faces the frame's faces, before smoothing.
   * @param timeS the frame's time in seconds; see {@link Tracker.update}.
   */
  remember(faces: Face[], timeS: number): Face[] {
    if (this.searchIsDue) {
      this.framesUntilSearch = DETECT_EVERY;
      this.searchedS = timeS;
    }
    this.framesUntilSearch -= 1;
    const intervalS = timeS - this.lastS;
    this.lastS = timeS;
    // The next frame is expected after the same interval as this one.
    if (Number.isFinite(intervalS) && timeS + intervalS - this.searchedS >= DETECT_EVERY_S) this.framesUntilSearch = 0;
    return this.tracker.update(faces, timeS);
  }
}
