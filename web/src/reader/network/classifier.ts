/** Classification of face crops with a checkpoint's preprocessing, engine and temperature. */

import type { Checkpoint } from "../checkpoint/folder";
import { MiniXceptionError } from "../errors";
import type { Evidence } from "../faces";
import type { Image } from "../media/image";
import type { Engine } from "./engines";
import { normalise } from "./preprocess";

/** Number of faces that are preprocessed and classified together. */
export const BATCH_SIZE = 256;

/** The classification of a face crop. */
export interface Classified {
  /** In the order of the labels. */
  probabilities: number[];
  /** Null if the network does not give it. */
  evidence: Evidence | null;
}

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
   * @returns the probabilities of each crop, and the evidence for each class.
   * @throws MiniXceptionError the network has more or fewer outputs than there are labels.
   */
  async classify(crops: Image[]): Promise<Classified[]> {
    const { image_size: size, mean, std, labels, temperature } = this.config;
    const classified: Classified[] = [];
    for (let start = 0; start < crops.length; start += BATCH_SIZE) {
      const batch = crops.slice(start, start + BATCH_SIZE);
      const faces = normalise(batch, size, mean, std);
      const { data: logits, evidence } = await this.engine(faces, [batch.length, 1, size, size]);
      if (logits.length !== batch.length * labels.length) {
        const found = `${logits.length / batch.length} logits for ${labels.length} labels`;
        throw new MiniXceptionError("bad-checkpoint", `model.onnx: ${found}; export the checkpoint again`);
      }
      const maps = evidence ? nested(evidence.data, evidence.dims) : [];
      for (let i = 0; i < batch.length; i++) {
        const own = [...logits.subarray(i * labels.length, (i + 1) * labels.length)];
        const probabilities = softmax(own.map((logit) => logit / temperature));
        classified.push({ probabilities, evidence: maps[i] ?? null });
      }
    }
    return classified;
  }
}

/** Convert an array of N × labels × rows × columns to nested arrays. */
function nested(data: Float32Array, [count, labels, rows, columns]: readonly number[]): Evidence[] {
  let at = 0;
  const times = <T>(length: number, make: () => T): T[] => Array.from({ length }, make);
  const row = () => {
    at += columns;
    return [...data.subarray(at - columns, at)];
  };
  return times(count, () => times(labels, () => times(rows, row)));
}

function softmax(logits: number[]): number[] {
  const highest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - highest));
  const sum = exponentials.reduce((total, value) => total + value);
  return exponentials.map((value) => value / sum);
}
