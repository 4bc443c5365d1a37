/** The reader makes of pictures what the Python package makes of them. */

import { beforeAll, describe, expect, test } from "vitest";
import * as hub from "../../src/reader/checkpoint";
import * as detectors from "../../src/reader/detectors";
import { type Networks, startWasm } from "../../src/reader/engines";
import type { Box, UntrackedFace } from "../../src/reader/faces";
import { average, bins, integrate } from "../../src/reader/integral";
import * as mtcnn from "../../src/reader/mtcnn";
import { clipBox, cropFace, toGrey } from "../../src/reader/preprocess";
import * as recognizer from "../../src/reader/recognizer";
import { shrink } from "../../src/reader/resize";
import * as stream from "../../src/reader/stream";
import { suppress, suppressInside } from "../../src/reader/suppress";
import * as tracking from "../../src/reader/tracking";
import { FOLDER, floats, image, pixels, readGraphs, readVectors, type Vectors } from "./vectors";

/** Where many programs share the processor, a second becomes a minute. */
const TIMEOUT_MS = 600_000;

const MODULES: Record<string, object> = { detectors, hub, mtcnn, recognizer, stream, tracking };

describe.skipIf(!FOLDER)("as in Python", { timeout: TIMEOUT_MS }, () => {
  let vectors: Vectors;
  let networks: Networks;
  let ours: recognizer.EmotionRecognizer;

  beforeAll(async () => {
    vectors = readVectors();
    const graphs = readGraphs();
    ({ networks } = await startWasm(graphs));
    ours = new recognizer.EmotionRecognizer(hub.readCheckpoint(graphs.model), networks);
  }, TIMEOUT_MS);

  test("the same constants, no more and no fewer", () => {
    for (const [module, constants] of Object.entries(vectors.constants)) {
      const ours = Object.entries(MODULES[module]).filter(([, value]) => typeof value === "number");
      expect(Object.fromEntries(ours), module).toEqual(constants);
    }
  });

  test("what the checkpoint says", () => {
    expect(hub.readCheckpoint(readGraphs().model)).toEqual(vectors.checkpoint);
  });

  test("grey pictures and their sizes, to a grey level", () => {
    for (const { crop, size, grey } of vectors.grey) {
      const ours = toGrey(image(crop), size);
      // Where nothing is resized, they are the same.
      expect(difference(ours, pixels(grey)), `${crop.shape} to ${size}`).toBeLessThanOrEqual(+(crop.shape[0] !== size));
    }
  });

  test("smaller pictures, to a level", () => {
    for (const { image: reference, factor, shrunk } of vectors.shrunk) {
      const ours = shrink(image(reference), factor);
      expect([ours.height, ours.width, 4]).toEqual(shrunk.shape);
      expect(difference(ours.data, pixels(shrunk)), `by ${factor}`).toBeLessThanOrEqual(1);
    }
  });

  test("averages over parts of a picture", () => {
    const integral = integrate(image(vectors.averages.image), new Int32Array(0));
    for (const { box, size, average: expected } of vectors.averages.parts) {
      const [x1, y1, x2, y2] = box;
      const ours = new Float32Array(3 * size[0] * size[1]);
      average(integral, bins(y1, y2, size[1]), bins(x1, x2, size[0]), ours, 0);
      expect(difference(ours, floats(expected))).toBe(0);
    }
  });

  test("squares cut out, and boxes clipped", () => {
    const picture = image(vectors.crops.image);
    for (const { box, framing, crop, clipped } of vectors.crops.cuts) {
      const ours = cropFace(picture, box, framing);
      expect([ours.height, ours.width, 4]).toEqual(crop.shape);
      expect(difference(colours(ours.data), colours(pixels(crop)))).toBe(0);
      expect(clipBox(box, picture.width, picture.height)).toEqual(clipped);
    }
  });

  test("which of overlapping boxes stay", () => {
    for (const { boxes, max_overlap, of_union, of_smaller } of vectors.suppressed) {
      const candidates = boxes.map((box) => new Float32Array(box));
      expect(suppress(candidates, max_overlap).map((box) => box[5])).toEqual(of_union);
      expect(suppressInside(candidates, max_overlap).map((box) => box[5])).toEqual(of_smaller);
    }
  });

  test("faces in pictures", async () => {
    const detect = detectors.mtcnn(new mtcnn.Cascade(networks.pnet, networks.rnet, networks.onet));
    for (const { name, image: reference, detected, faces } of vectors.pictures) {
      const found = await detect(image(reference));
      expect(found.length, name).toBe(detected.length);
      found.forEach(({ box }, i) => {
        expect(tracking.iou(box, detected[i]), name).toBeGreaterThanOrEqual(0.98);
      });
      expectSameFaces((await ours.photo(image(reference))).faces, faces, name);
    }
  });

  test("faces in a stream", async () => {
    const memory = new stream.FaceStream();
    for (const { image: reference, time_s, faces } of vectors.stream) {
      const { faces: tracked } = await ours.track(image(reference), time_s, memory);
      expect(tracked.map((face) => face.id)).toEqual(faces.map((face) => face.id));
      expectSameFaces(tracked, faces, `at ${time_s} s`);
    }
  });

  test("faces that wander, cross, hide and come back", () => {
    for (const updates of vectors.tracks) {
      const tracker = new tracking.Tracker();
      for (const { time_s, faces, tracked } of updates) {
        const ours = tracker.update(faces, time_s);
        expect(ours.map(({ id, box }) => ({ id, box }))).toEqual(tracked.map(({ id, box }) => ({ id, box })));
        ours.forEach(({ probabilities }, i) => {
          expect(difference(probabilities, tracked[i].probabilities)).toBeLessThan(1e-9);
        });
      }
    }
  });
});

function expectSameFaces(ours: UntrackedFace[], faces: UntrackedFace[], where: string): void {
  expect(ours.length, where).toBe(faces.length);
  ours.forEach(({ box, score, probabilities }, i) => {
    // Where a side falls between two pixels, a last digit decides.
    expect(difference(box, faces[i].box as Box), where).toBeLessThanOrEqual(1);
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

/** RGBA without alpha, which is not looked at. */
function colours(rgba: Uint8ClampedArray): Uint8ClampedArray {
  return rgba.map((value, i) => (i % 4 === 3 ? 0 : value));
}
