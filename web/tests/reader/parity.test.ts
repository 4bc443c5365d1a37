/** The reader gives the same results as the Python package. */

import { beforeAll, describe, expect, test } from "vitest";
import * as table from "../../src/page/table";
import * as boxes from "../../src/reader/boxes";
import * as folder from "../../src/reader/checkpoint/folder";
import * as cascade from "../../src/reader/detection/cascade";
import * as crop from "../../src/reader/detection/crop";
import * as detections from "../../src/reader/detection/detections";
import * as detector from "../../src/reader/detection/detector";
import * as follow from "../../src/reader/detection/follow";
import * as integral from "../../src/reader/detection/integral";
import * as light from "../../src/reader/detection/light";
import * as mtcnn from "../../src/reader/detection/mtcnn";
import * as pose from "../../src/reader/detection/pose";
import * as secondLook from "../../src/reader/detection/second_look";
import * as suppress from "../../src/reader/detection/suppress";
import * as explain from "../../src/reader/explain";
import type { Face } from "../../src/reader/faces";
import * as landmarks from "../../src/reader/landmarks";
import type { Image } from "../../src/reader/media/image";
import { growTo, shrink } from "../../src/reader/media/resize";
import * as classifier from "../../src/reader/network/classifier";
import { type Engines, loadWasm } from "../../src/reader/network/engines";
import * as preprocess from "../../src/reader/network/preprocess";
import * as recognizer from "../../src/reader/recognizer";
import * as memory from "../../src/reader/tracking/memory";
import * as tracker from "../../src/reader/tracking/tracker";
import { FOLDER, floats, image, pixels, readGraphs, readVectors, type Vectors } from "./vectors";

/** Long, because a busy machine may be much slower. */
const TIMEOUT_MS = 600_000;

/** How far the score, probabilities, edges and landmarks of an upright face may differ. */
const [SCORE, PROBABILITY, PIXELS] = [0.001, 0.01, 1];
/**
 * How far the score, the probabilities, and the edges and landmarks as fractions of the side may differ if a face is
 * tilted. The image is turned by the face's roll, and a hundredth of a degree may change which boxes are proposed. In a
 * stream, the next frame depends on this roll.
 */
const [TILTED_SCORE, TILTED_PROBABILITY, TILTED_SHARE] = [0.1, 0.05, 0.08];
/** How far the cells of the evidence, in logits, may differ for equal crops. */
const CELL = 1e-4;
/** How many grey levels turned pixels may differ, because OpenCV 4 rounds positions to 1/32 pixel. */
const TURNED_LEVELS = 6;

/** Python's module → the module here. */
const MODULES: Record<string, object> = {
  boxes,
  landmarks,
  "checkpoint.folder": folder,
  "network.preprocess": preprocess,
  "network.classifier": classifier,
  "detection.integral": integral,
  "detection.suppress": suppress,
  "detection.cascade": cascade,
  "detection.light": light,
  "detection.pose": pose,
  "detection.second_look": secondLook,
  "detection.detections": detections,
  "detection.mtcnn": mtcnn,
  "detection.detector": detector,
  "detection.follow": follow,
  "detection.crop": crop,
  "tracking.tracker": tracker,
  "tracking.memory": memory,
  explain,
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

  test("downscaled images", () => {
    for (const { image: reference, factor, shrunk } of vectors.shrunk) {
      const ours = shrink(image(reference), factor);
      expect([ours.height, ours.width, 4]).toEqual(shrunk.shape);
      expect(difference(ours.data, pixels(shrunk)), `by ${factor}`).toBe(0);
    }
  });

  test("averages over parts of an image", () => {
    const { average, bins, integrate } = integral;
    const sums = integrate(image(vectors.averages.image), new Int32Array(0));
    for (const { box, size, average: expected } of vectors.averages.parts) {
      const [x1, y1, x2, y2] = box;
      const ours = new Float32Array(3 * size[0] * size[1]);
      average(sums, bins(y1, y2, size[1]), bins(x1, x2, size[0]), ours, 0);
      expect(difference(ours, floats(expected))).toBe(0);
    }
  });

  test("face crops, and clipped boxes", () => {
    const whole = image(vectors.crops.image);
    for (const { box, framing, crop: expected, clipped } of vectors.crops.cuts) {
      expectSimilar(crop.cropFace(whole, box, framing), expected, 0, "crop");
      expect(crop.clipBox(box, whole.width, whole.height)).toEqual(clipped);
    }
  });

  test("stretched contrast", () => {
    for (const { image: reference, as_image, as_crop } of vectors.stretched) {
      expectSimilar(light.stretchImage(image(reference)), as_image, 0, "image");
      expectSimilar(light.stretchCrop(image(reference)), as_crop, 0, "crop");
    }
  });

  test("turned images and squares", () => {
    const whole = image(vectors.turned.image);
    for (const { degrees, turned: expected, transform: matrix } of vectors.turned.images) {
      const { turned, transform } = pose.turn(whole, degrees);
      const { cosine, sine, x, y } = transform;
      expect(difference([cosine, -sine, x, sine, cosine, y], matrix.flat())).toBeLessThan(1e-9);
      expectSimilar(turned, expected, TURNED_LEVELS, `turned by ${degrees}°`);
    }
    for (const { pose: where, square } of vectors.turned.squares) {
      expectSimilar(pose.cutSquare(whole, where, 48), square, TURNED_LEVELS, JSON.stringify(where));
    }
  });

  test("upright face crops", () => {
    for (const { image: reference, box, landmarks: points, framing, crop: expected } of vectors.upright) {
      // A stretched crop may differ by more levels.
      expectSimilar(crop.cropUpright(image(reference), box, points, framing), expected, 2 * TURNED_LEVELS, "crop");
    }
  });

  test("the roll of faces", () => {
    for (const { landmarks: points, roll } of vectors.rolls) expect(landmarks.rollDegrees(points)).toBeCloseTo(roll, 9);
  });

  test("non-maximum suppression", () => {
    for (const { boxes, max_overlap, of_union, of_smaller } of vectors.suppressed) {
      const candidates = boxes.map((box) => new Float32Array(box));
      expect(suppress.suppress(candidates, max_overlap).map((box) => box[5])).toEqual(of_union);
      expect(suppress.suppressInside(candidates, max_overlap).map((box) => box[5])).toEqual(of_smaller);
    }
  });

  test("boxes that show the same face", () => {
    const { boxes, others, overlap } = vectors.overlaps;
    expect(rows(boxes).map((box) => suppress.overlapAny(box, rows(others)))).toEqual(overlap);
  });

  test("uncertain faces at four rolls", async () => {
    const networks = new cascade.Cascade(engines.pnet, engines.rnet, engines.onet);
    for (const expected of vectors.rolled) {
      const ours = await secondLook.checkRoll(networks, image(expected.image), rows(expected.rows));
      expectSameRows(ours.faces, expected.faces);
      expectSameRows(ours.candidates, expected.candidates);
    }
  });

  test("examined candidates", async () => {
    const networks = new cascade.Cascade(engines.pnet, engines.rnet, engines.onet);
    for (const { image: reference, candidates, faces } of vectors.examined) {
      expectSameRows(await secondLook.examine(networks, image(reference), rows(candidates)), faces);
    }
  });

  test("evidence, whose mean is the logit, and its overlays", async () => {
    const { image_size: size, mean, std } = vectors.checkpoint;
    for (const { crop, logits, evidence, scale, overlays } of vectors.evidence) {
      const input = preprocess.normalise([image(crop)], size, mean, std);
      const { data, evidence: cells } = await engines.model(input, [1, 1, size, size]);
      expect(difference(data, logits)).toBeLessThan(CELL);
      expect(difference(cells?.data ?? [], evidence.flat(2))).toBeLessThan(CELL);
      const [{ evidence: found }] = await ours.classify([image(crop)]);
      const means = found?.map((map) => map.flat().reduce((sum, cell) => sum + cell) / map.flat().length);
      expect(difference(means ?? [], logits)).toBeLessThan(CELL);
      expect(explain.scaleOf(evidence)).toBeCloseTo(scale, 4);
      const grey = { data: preprocess.toGrey(image(crop), size), width: size, height: size };
      const { data: base } = growTo(grey, explain.SIDE, explain.SIDE);
      for (const [label, overlay] of overlays.entries()) {
        const { data: heat } = explain.heat(evidence, label);
        const mixed = pixels(overlay).map((_, i) => {
          const opacity = heat[i | 3] / 255;
          return (1 - opacity) * base[i >> 2] + opacity * heat[i];
        });
        expect(difference(colours(mixed), colours(pixels(overlay)))).toBeLessThanOrEqual(2);
      }
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

  test("faces in streams", async () => {
    for (const frames of vectors.streams) {
      const stream = new memory.StreamMemory();
      for (const { image: reference, time_s, faces } of frames) {
        const { faces: tracked } = await ours.track(image(reference), time_s, stream);
        expectSameFaces(tracked, faces, `at ${time_s} s`);
      }
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
  ours.forEach(({ box, score, landmarks: points, probabilities }, i) => {
    const expected = faces[i];
    const tilted = Math.abs(landmarks.rollDegrees(expected.landmarks)) > landmarks.TILTED_DEGREES;
    // If an edge is halfway between two pixels, the last digit decides.
    const distance = tilted ? TILTED_SHARE * (expected.box[2] - expected.box[0]) : PIXELS;
    expect(difference(box, expected.box), where).toBeLessThanOrEqual(distance);
    expect(difference(points.flat(), expected.landmarks.flat()), where).toBeLessThanOrEqual(distance);
    expect(Math.abs(score - expected.score), where).toBeLessThan(tilted ? TILTED_SCORE : SCORE);
    expect(difference(probabilities, expected.probabilities), where).toBeLessThan(
      tilted ? TILTED_PROBABILITY : PROBABILITY,
    );
  });
}

function rows(boxes: number[][]): suppress.Row[] {
  return boxes.map((box) => new Float32Array(box));
}

function expectSameRows(ours: suppress.Row[], expected: number[][]): void {
  expect(ours.length).toBe(expected.length);
  ours.forEach((row, i) => {
    expect(difference(row, expected[i])).toBeLessThan(PIXELS);
    expect(Math.abs(row[4] - expected[i][4])).toBeLessThan(SCORE);
  });
}

function expectSimilar(ours: Image, expected: Parameters<typeof pixels>[0], levels: number, where: string): void {
  expect([ours.height, ours.width, 4], where).toEqual(expected.shape);
  expect(difference(colours(ours.data), colours(pixels(expected))), where).toBeLessThanOrEqual(levels);
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
