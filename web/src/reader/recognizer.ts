/** The recogniser, which takes an image and returns faces with their expressions. */

import type { Checkpoint } from "./checkpoint/folder";
import { type FaceCrop, FaceCropper } from "./detection/crop";
import { MIN_FACE_SIZE, MTCNN } from "./detection/mtcnn";
import type { Face } from "./faces";
import type { Image } from "./media/image";
import { type Classified, Classifier } from "./network/classifier";
import type { Engines } from "./network/engines";
import type { StreamMemory } from "./tracking/memory";

/** The faces of an image, and the time that each step took. */
export interface TimedFaces {
  faces: Face[];
  detectMs: number;
  classifyMs: number;
}

/** Finds the faces in an image and recognises their expressions. It processes one image at a time. */
export class EmotionRecognizer {
  private readonly classifier: Classifier;
  private readonly cropper: FaceCropper;

  constructor(
    checkpoint: Checkpoint,
    private readonly engines: Engines,
  ) {
    this.classifier = new Classifier(checkpoint, engines.model);
    this.cropper = this.makeCropper();
  }

  /** Recognise the expression of every face in an image, the largest face first. */
  async recognize(image: Image): Promise<TimedFaces> {
    const started = performance.now();
    const cropper = this.makeCropper(); // A photo may be large, so the detector's buffers are not kept.
    const found = await cropper.search(image);
    const detected = performance.now();
    const faces = await this.classifyFaces(cropper.cut(image, found));
    return { faces, detectMs: detected - started, classifyMs: performance.now() - detected };
  }

  /**
   * Recognise the expressions in one frame of a stream.
   *
   * @param timeS when the frame was taken, in seconds on any monotonic clock.
   * @param memory the state after the previous frames; it is updated.
   * @returns the faces, with track ids and smoothed probabilities.
   */
  async track(image: Image, timeS: number, memory: StreamMemory): Promise<TimedFaces> {
    const started = performance.now();
    const known = memory.facesToFollow(image.height, image.width);
    const near = known.length ? await this.cropper.detectNear(image, known) : null;
    const found = near ?? (await (memory.searchIsDue ? this.cropper.search(image) : this.cropper.detect(image)));
    const detected = performance.now();
    const faces = await this.classifyFaces(this.cropper.cut(image, found));
    const tracked = memory.remember(faces, timeS);
    return { faces: tracked, detectMs: detected - started, classifyMs: performance.now() - detected };
  }

  /** Classify face crops, without a detector; see {@link Classifier.classify}. */
  classify(crops: Image[]): Promise<Classified[]> {
    return this.classifier.classify(crops);
  }

  private async classifyFaces(crops: FaceCrop[]): Promise<Face[]> {
    const classified = await this.classify(crops.map((crop) => crop.pixels));
    return crops.map(({ box, score, landmarks }, i) => ({
      box,
      score,
      landmarks,
      ...classified[i],
      trackId: null,
    }));
  }

  private makeCropper(): FaceCropper {
    const { pnet, rnet, onet } = this.engines;
    return new FaceCropper(new MTCNN(pnet, rnet, onet), this.classifier.config.framing, MIN_FACE_SIZE);
  }
}
