/** The state of a stream between frames: its faces, and when the whole image was last searched. */

import type { Box } from "../boxes";
import type { Face } from "../faces";
import { Tracker } from "./tracker";

/** The whole image is searched at least once in this many frames, so a new face is found after 10 frames at most. */
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

  /**
   * Return the boxes near which the next frame's faces should be detected.
   *
   * An empty list means that the whole image should be searched. This is the case if no face is known, if a search is
   * due, or if the image is so small and has so many faces that a search is cheaper.
   *
   * @param height height of the next frame in pixels.
   * @param width width of the next frame in pixels.
   */
  boxesToFollow(height: number, width: number): Box[] {
    const boxes = this.tracker.faces.map((face) => face.box);
    const worthwhile = this.framesUntilSearch > 0 && boxes.length * NEAR_PIXELS <= height * width;
    return worthwhile ? boxes : [];
  }

  /**
   * Store a frame's faces, and return them with track ids and smoothed probabilities, in the same order.
   *
   * @param faces the frame's faces, before smoothing.
   * @param timeS the frame's time in seconds; see {@link Tracker.update}.
   * @param searched whether the whole image was searched for the faces.
   */
  remember(faces: Face[], timeS: number, searched: boolean): Face[] {
    this.framesUntilSearch = searched ? DETECT_EVERY - 1 : this.framesUntilSearch - 1;
    if (searched) this.searchedS = timeS;
    const intervalS = timeS - this.lastS;
    this.lastS = timeS;
    // The next frame is expected after the same interval as this one.
    if (Number.isFinite(intervalS) && timeS + intervalS - this.searchedS >= DETECT_EVERY_S) this.framesUntilSearch = 0;
    return this.tracker.update(faces, timeS);
  }
}
