/** MTCNN: face detection with a cascade of three networks, and a second look for faces that are hard to find. */

import type { Box } from "../boxes";
import type { Point } from "../landmarks";
import type { Image } from "../media/image";
import { shrink } from "../media/resize";
import type { Engine } from "../network/engines";
import { round } from "../rounding";
import { Cascade, WINDOW } from "./cascade";
import type { Detection } from "./detections";
import type { Detector } from "./detector";
import { stretchImage } from "./light";
import { SecondLook } from "./second_look";
import type { Row } from "./suppress";

/** Images whose longer side exceeds this many pixels are scaled down for detection. */
export const MAX_SIDE = 4096;
/** Smallest face of the first look, in pixels of the image. Faces down to about half this size are still found. */
export const MIN_FACE_SIZE = 40;
/** Minimum score of a face that one look finds. False detections score about 0.80–0.85. */
export const MIN_SCORE = 0.9;

/** MTCNN with facenet-pytorch's weights. It processes one image at a time. */
export class MTCNN implements Detector {
  private readonly cascade: Cascade;

  constructor(propose: Engine, refine: Engine, output: Engine) {
    this.cascade = new Cascade(propose, refine, output);
  }

  /** Detect faces that are nearly upright, in one pass. The largest face is the first. */
  detect(image: Image): Promise<Detection[]> {
    return this.detectBy((image, minFaceSize) => this.look(image, minFaceSize), image);
  }

  /**
   * Detect faces at any roll, with a second look where it may find more. The largest face is the first.
   *
   * If all faces are upright and certain, this takes about 1.1 times as long as one pass; if there is no face, about
   * five times.
   */
  search(image: Image): Promise<Detection[]> {
    return this.detectBy((image, minFaceSize) => this.lookTwice(image, minFaceSize), image);
  }

  private async look(image: Image, minFaceSize: number): Promise<Row[]> {
    const faces = await this.cascade.faces(await this.cascade.propose(image, minFaceSize));
    return faces.filter((face) => face[4] >= Math.fround(MIN_SCORE));
  }

  private async lookTwice(image: Image, minFaceSize: number): Promise<Row[]> {
    const first = await this.cascade.propose(image, minFaceSize);
    return new SecondLook(this.cascade, image, minFaceSize, MIN_SCORE).look(first);
  }

  private async detectBy(
    look: (image: Image, minFaceSize: number) => Promise<Row[]>,
    image: Image,
  ): Promise<Detection[]> {
    const scale = Math.min(1, MAX_SIDE / Math.max(image.width, image.height));
    const minFaceSize = Math.max(round(MIN_FACE_SIZE * scale), WINDOW);
    if (Math.min(image.width, image.height) * scale < minFaceSize) return [];
    const faces = await look(stretchImage(scale < 1 ? shrink(image, scale) : image), minFaceSize);
    const area = (face: Row) => Math.fround((face[2] - face[0]) * (face[3] - face[1]));
    return faces.sort((one, other) => area(other) - area(one)).map((face) => toDetection(face, scale));
  }
}

function toDetection(face: Row, scale: number): Detection {
  const [x1, y1, x2, y2, score, ...landmarks] = face.map((value, i) => (i === 4 ? value : value / scale));
  const points = landmarks.slice(0, 5).map((x, i): Point => [x, landmarks[5 + i]]);
  return { box: [x1, y1, x2, y2] satisfies Box, score, landmarks: points };
}
