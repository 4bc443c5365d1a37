/** Picture in, faces with expressions out. */

import type { Face } from "../protocol";
import type { Checkpoint } from "./checkpoint";
import { type Detector, mtcnn } from "./detectors";
import type { Networks } from "./engines";
import { ReaderError } from "./errors";
import type { Detection, UntrackedFace } from "./faces";
import type { Image } from "./images";
import { Cascade } from "./mtcnn";
import { clipBox, cropFace, normalise } from "./preprocess";
import type { FaceStream } from "./stream";

/** Faces that are preprocessed and classified at once. */
export const BATCH_SIZE = 256;

/** What was read in a picture, and how long it took. */
export interface Reading {
  faces: Face[];
  detectMs: number;
  classifyMs: number;
}

/** Finds faces and reads their expressions; one picture at a time. */
export class EmotionRecognizer {
  private readonly detector: Detector;

  constructor(
    private readonly checkpoint: Checkpoint,
    private readonly networks: Networks,
  ) {
    this.detector = this.newDetector();
  }

  /** Read a picture by itself: the largest face first. */
  async photo(image: Image): Promise<Reading> {
    // A photo may be large: the memory for it is not kept.
    const { faces, ...timings } = await this.read(image, this.newDetector());
    return { faces: faces.map((face, i) => ({ id: i + 1, ...face })), ...timings };
  }

  /**
   * Read one frame of a stream.
   *
   * @param timeS when it was taken, on any clock that runs on.
   * @param stream what is remembered of the frames before; it is updated.
   */
  async track(image: Image, timeS: number, stream: FaceStream): Promise<Reading> {
    const { faces, ...timings } = await this.read(image, (frame) => stream.locate(frame, this.detector));
    return { faces: stream.tracker.update(faces, timeS), ...timings };
  }

  /**
   * Read the expressions of faces that are already cut out, squares of any size.
   *
   * @returns for each the probabilities, in the order of the labels.
   */
  async classify(crops: Image[]): Promise<number[][]> {
    const { image_size: size, mean, std, labels, temperature } = this.checkpoint;
    const probabilities: number[][] = [];
    for (let start = 0; start < crops.length; start += BATCH_SIZE) {
      const batch = crops.slice(start, start + BATCH_SIZE);
      const faces = normalise(batch, size, mean, std);
      const { data: logits } = await this.networks.model(faces, [batch.length, 1, size, size]);
      if (logits.length !== batch.length * labels.length) {
        const found = `${logits.length / batch.length} logits for ${labels.length} labels`;
        throw new ReaderError("bad-checkpoint", `model.onnx: ${found}; export the checkpoint again`);
      }
      for (let i = 0; i < logits.length; i += labels.length) {
        probabilities.push(softmax([...logits.subarray(i, i + labels.length)].map((logit) => logit / temperature)));
      }
    }
    return probabilities;
  }

  private newDetector(): Detector {
    const { pnet, rnet, onet } = this.networks;
    return mtcnn(new Cascade(pnet, rnet, onet));
  }

  private async read(
    image: Image,
    detector: Detector,
  ): Promise<{ faces: UntrackedFace[]; detectMs: number; classifyMs: number }> {
    const started = performance.now();
    const found: Detection[] = await detector(image);
    const detected = performance.now();
    const probabilities = await this.classify(found.map(({ box }) => cropFace(image, box, this.checkpoint.framing)));
    const faces = found.map(({ box, score }, i) => ({
      box: clipBox(box, image.width, image.height),
      score: Math.min(score, 1),
      probabilities: probabilities[i],
    }));
    return { faces, detectMs: detected - started, classifyMs: performance.now() - detected };
  }
}

function softmax(logits: number[]): number[] {
  const highest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - highest));
  const sum = exponentials.reduce((total, value) => total + value);
  return exponentials.map((value) => value / sum);
}
