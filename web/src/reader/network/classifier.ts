/** Classification of face crops with a checkpoint's preprocessing, engine and temperature. */

import type { Checkpoint } from "../checkpoint/folder";
import { MiniXceptionError } from "../errors";
import type { Image } from "../media/image";
import type { Engine } from "./engines";
import { normalise } from "./preprocess";

/** Number of faces that are preprocessed and classified together. */
export const BATCH_SIZE = 256;

/** Classifies face crops. */
export class Classifier {
  constructor(
    readonly config: Checkpoint,
    private readonly engine: Engine,
  ) {}

  /**
   * Classify face crops.
   *
   * @param crops squares of any size.
   * @returns the probabilities of each crop, in the order of the labels.
   * @throws MiniXceptionError the network has more or fewer outputs than there are labels.
   */
  async classify(crops: Image[]): Promise<number[][]> {
    const { image_size: size, mean, std, labels, temperature } = this.config;
    const probabilities: number[][] = [];
    for (let start = 0; start < crops.length; start += BATCH_SIZE) {
      const batch = crops.slice(start, start + BATCH_SIZE);
      const faces = normalise(batch, size, mean, std);
      const { data: logits } = await this.engine(faces, [batch.length, 1, size, size]);
      if (logits.length !== batch.length * labels.length) {
        const found = `${logits.length / batch.length} logits for ${labels.length} labels`;
        throw new MiniXceptionError("bad-checkpoint", `model.onnx: ${found}; export the checkpoint again`);
      }
      for (let i = 0; i < logits.length; i += labels.length) {
        probabilities.push(softmax([...logits.subarray(i, i + labels.length)].map((logit) => logit / temperature)));
      }
    }
    return probabilities;
  }
}

function softmax(logits: number[]): number[] {
  const highest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - highest));
  const sum = exponentials.reduce((total, value) => total + value);
  return exponentials.map((value) => value / sum);
}
