/** The reader gives the same results as the Python package. */

import { beforeAll, describe, expect, test } from "vitest";
import * as table from "../../src/page/table";
import * as boxes from "../../src/reader/boxes";
import * as folder from "../../src/reader/checkpoint/folder";
import * as crop from "../../src/reader/detection/crop";
import * as detector from "../../src/reader/detection/detector";
import { average, bins, integrate } from "../../src/reader/detection/integral";
import * as mtcnn from "../../src/reader/detection/mtcnn";
import { suppress, suppressInside } from "../../src/reader/detection/suppress";
import type { Face } from "../../src/reader/faces";
import { shrink } from "../../src/reader/media/resize";
import * as classifier from "../../src/reader/network/classifier";
import { type Engines, loadWasm } from "../../src/reader/network/engines";
import * as preprocess from "../../src/reader/network/preprocess";
import * as recognizer from "../../src/reader/recognizer";
import * as memory from "../../src/reader/tracking/memory";
import * as tracker from "../../src/reader/tracking/tracker";
import { FOLDER, floats, image, pixels, readGraphs, readVectors, type Vectors } from "./vectors";

/** Long, because a busy machine may be much slower. */
const TIMEOUT_MS = 600_000;

/** Python's module → the module here. */
const MODULES: Record<string, object> = {
  boxes,
  "checkpoint.folder": folder,
  "network.preprocess": preprocess,
  "network.classifier": classifier,
  "detection.detector": detector,
  "detection.mtcnn": mtcnn,
  "detection.crop": crop,
  "tracking.tracker": tracker,
  "tracking.memory": memory,
  recognizer,
  table,
};

describe.skipIf(!FOLDER)("as in Python", { timeout: TIMEOUT_MS }, () => {
  let vectors: Vectors;
  let engines: Engines;
  let ours: recognizer.EmotionRecognizer;

  beforeAll(async () => {
    vectors = readVectors();
    const graphs = readGraphs();
    ({ engines } = await loadWasm(graphs));
    ours = new recognizer.EmotionRecognizer(folder.readCheckpoint(graphs.model), engines);
  }, TIMEOUT_MS);

  test("the same constants, no more and no fewer", () => {
    expect(Object.keys(MODULES).sort()).toEqual(Object.keys(vectors.constants).sort());
    for (const [module, constants] of Object.entries(vectors.constants)) {
      const ours = Object.entries(MODULES[module]).filter(
        ([, value]) => typeof value === "number" || Array.isArray(value),
      );
      expect(Object.fromEntries(ours), module).toEqual(constants);
    }
  });

  test("the checkpoint's configuration", () => {
    expect(folder.readCheckpoint(readGraphs().model)).toEqual(vectors.checkpoint);
  });

  test("grey, resized crops, to one grey level", () => {
    for (const { crop, size, grey } of vectors.grey) {
      const ours = preprocess.toGrey(image(crop), size);
      // Without resizing they are equal.
      expect(difference(ours, pixels(grey)), `${crop.shape} to ${size}`).toBeLessThanOrEqual(+(crop.shape[0] !== size));
    }
  });

  test("downscaled images, to one level", () => {
    for (const { image: reference, factor, shrunk } of vectors.shrunk) {
      const ours = shrink(image(reference), factor);
      expect([ours.height, ours.width, 4]).toEqual(shrunk.shape);
      expect(difference(ours.data, pixels(shrunk)), `by ${factor}`).toBeLessThanOrEqual(1);
    }
  });

  test("averages over parts of an image", () => {
    const integral = integrate(image(vectors.averages.image), new Int32Array(0));
    for (const { box, size, average: expected } of vectors.averages.parts) {
      const [x1, y1, x2, y2] = box;
      const ours = new Float32Array(3 * size[0] * size[1]);
      average(integral, bins(y1, y2, size[1]), bins(x1, x2, size[0]), ours, 0);
      expect(difference(ours, floats(expected))).toBe(0);
    }
  });

  test("face crops, and clipped boxes", () => {
    const whole = image(vectors.crops.image);
    for (const { box, framing, crop: expected, clipped } of vectors.crops.cuts) {
      const ours = crop.cropFace(whole, box, framing);
      expect([ours.height, ours.width, 4]).toEqual(expected.shape);
      expect(difference(colours(ours.data), colours(pixels(expected)))).toBe(0);
      expect(crop.clipBox(box, whole.width, whole.height)).toEqual(clipped);
    }
  });

  test("non-maximum suppression", () => {
    for (const { boxes, max_overlap, of_union, of_smaller } of vectors.suppressed) {
      const candidates = boxes.map((box) => new Float32Array(box));
      expect(suppress(candidates, max_overlap).map((box) => box[5])).toEqual(of_union);
      expect(suppressInside(candidates, max_overlap).map((box) => box[5])).toEqual(of_smaller);
    }
  });

  test("faces in images", async () => {
    const detector = new mtcnn.MTCNN(engines.pnet, engines.rnet, engines.onet);
    for (const { name, image: reference, detected, faces } of vectors.images) {
      const found = await detector.detect(image(reference));
      expect(found.length, name).toBe(detected.length);
      found.forEach(({ box }, i) => {
        expect(boxes.iou(box, detected[i]), name).toBeGreaterThanOrEqual(0.98);
      });
      expectSameFaces((await ours.recognize(image(reference))).faces, faces, name);
    }
  });

  test("faces in a stream", async () => {
    const stream = new memory.StreamMemory();
    for (const { image: reference, time_s, faces } of vectors.stream) {
      const { faces: tracked } = await ours.track(image(reference), time_s, stream);
      expectSameFaces(tracked, faces, `at ${time_s} s`);
    }
  });

  test("faces that move, cross, disappear and return", () => {
    for (const updates of vectors.tracks) {
      const ours = new tracker.Tracker();
      for (const { time_s, faces, tracked } of updates) {
        const found = ours.update(faces, time_s);
        const identities = (faces: Face[]) => faces.map(({ trackId, box }) => ({ trackId, box }));
        expect(identities(found)).toEqual(identities(tracked));
        found.forEach(({ probabilities }, i) => {
          expect(difference(probabilities, tracked[i].probabilities)).toBeLessThan(1e-9);
        });
      }
    }
  });
});

function expectSameFaces(ours: Face[], faces: Face[], where: string): void {
  expect(
    ours.map((face) => face.trackId),
    where,
  ).toEqual(faces.map((face) => face.trackId));
  ours.forEach(({ box, score, probabilities }, i) => {
    // If an edge is halfway between two pixels, the last digit decides.
    expect(difference(box, faces[i].box), where).toBeLessThanOrEqual(1);
    expect(Math.abs(score - faces[i].score), where).toBeLessThan(0.001);
    expect(difference(probabilities, faces[i].probabilities), where).toBeLessThan(0.01);
  });
}

function difference(ours: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(ours.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < ours.length; i++) largest = Math.max(largest, Math.abs(ours[i] - expected[i]));
  return largest;
}

/** Set alpha to 0, because it is ignored. */
function colours(rgba: Uint8ClampedArray): Uint8ClampedArray {
  return rgba.map((value, i) => (i % 4 === 3 ? 0 : value));
}
