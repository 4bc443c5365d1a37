/** What is remembered from one frame of a stream to the next, and where the next frame is looked at. */

import { type Detector, MIN_FACE_SIZE } from "./detectors";
import type { Box, Detection } from "./faces";
import { cutOut, type Image } from "./images";
import { shrink } from "./resize";
import { round } from "./rounding";
import { iou, MIN_IOU, Tracker } from "./tracking";

/** The whole picture is searched at least once in so many frames: what a new face waits for at most. */
export const DETECT_EVERY = 10;
/** Around a face, its side times this is looked at on every side: how far it may move in one frame. */
export const MARGIN = 0.5;
/** For a look, a face is scaled down to this many times the smallest face that the detector finds; larger costs more. */
export const LOOK_SIZE = 1.25;
/** A look at one face costs what searching this many pixels costs; for many faces in a small picture, search it whole. */
export const LOOK_PIXELS = 50_000;
/** Two looks whose boxes overlap by more than this found one face. */
export const SAME_FACE_IOU = 0.5;

/** The memory of a stream: its faces, and when the whole picture was last searched. */
export class FaceStream {
  readonly tracker = new Tracker();
  private looksLeft = 0;

  /**
   * Find the faces of the next frame, looking first where they were. The whole picture is searched when there was no
   * face, when one is lost, and every DETECT_EVERY frames.
   */
  async locate(image: Image, detector: Detector): Promise<Detection[]> {
    const known = this.tracker.faces;
    const worthwhile = known.length > 0 && known.length * LOOK_PIXELS <= image.width * image.height;
    if (this.looksLeft > 0 && worthwhile) {
      this.looksLeft--;
      const found: Detection[] = [];
      for (const { box } of known) {
        const seen = await look(image, box, detector);
        if (seen) found.push(seen);
      }
      if (found.length === known.length && !anyTwice(found)) return found;
    }
    this.looksLeft = DETECT_EVERY - 1;
    return detector(image);
  }
}

/** The face near a box, if there is one. */
async function look(image: Image, box: Box, detector: Detector): Promise<Detection | undefined> {
  const [x1, y1, x2, y2] = box;
  const side = Math.max(x2 - x1, y2 - y1);
  const margin = round(MARGIN * side);
  const [left, top] = [Math.max(x1 - margin, 0), Math.max(y1 - margin, 0)];
  const crop = cutOut(image, left, top, x2 + margin, y2 + margin);
  const scale = Math.min(1, (LOOK_SIZE * MIN_FACE_SIZE) / side);
  // The frame is smaller than the one before, and ends before the box.
  if (Math.min(crop.width, crop.height) * scale < 1) return undefined;
  const found = await detector(scale < 1 ? shrink(crop, scale) : crop);
  let best: Detection | undefined;
  let overlap = 0;
  for (const { box: seen, score } of found) {
    const inImage = seen.map((side, i) => Math.fround(side / scale) + (i % 2 ? top : left)) as Box;
    if (best && iou(inImage, box) <= overlap) continue;
    overlap = iou(inImage, box);
    best = { box: inImage.map(Math.fround) as Box, score };
  }
  return overlap >= MIN_IOU ? best : undefined;
}

function anyTwice(found: Detection[]): boolean {
  return found.some((one, i) => found.slice(i + 1).some((other) => iou(one.box, other.box) > SAME_FACE_IOU));
}
