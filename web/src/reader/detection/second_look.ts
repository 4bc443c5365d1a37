/**
 * The second look at an image, for faces that the first look misses: tilted, small, or uncertain.
 *
 * A face is a row, as in `cascade.ts`: x1, y1, x2, y2, score, then x of the five landmarks, then y. A *candidate* is a
 * row that may be a face. It becomes one if the third network also accepts it when it is cut out upright, in two sizes,
 * each also mirrored.
 */

import { type Point, rollDegrees, TILTED_DEGREES } from "../landmarks";
import { type Image, mirror } from "../media/image";
import { shrink } from "../media/resize";
import { apply, type Transform } from "../media/warp";
import { round } from "../rounding";
import { type Cascade, OUTPUT_SIDE, type Proposals } from "./cascade";
import { cutSquare, type Pose, rotation, squareTransform, turn, turnInFrame } from "./pose";
import { overlapAny, type Row } from "./suppress";

/**
 * Rolls at which an image without an upright face is searched, in degrees. The cascade finds faces that are up to about
 * 25° away.
 */
export const TURNS = [90, -90, 180, 45, -45, 135, -135];
/** The image is scaled down by this factor for these searches, so that each costs a fraction of the first look. */
export const TURNED_SCALE = 2.5;
/**
 * If the faces of an image are tilted, it is searched once more at their roll, for faces from this many times the
 * smallest size.
 */
export const TILTED_SIZE = 1.4;
/** If an image has no face, or one of less than this many times the smallest size, it is searched for smaller ones. */
export const SMALL = 1.5;
/** The smallest size of that search, as a fraction of the smallest size of the first look: one more pyramid level. */
export const SMALLER = 0.7;
/** Maximum number of candidates in a search of an image without known faces. */
export const MAX_CANDIDATES = 4;
/** In an image with known faces, there may be as many candidates as faces, and this many more. */
export const MORE_CANDIDATES = 1;
/**
 * A face is certain if its score is at least this. Otherwise it is compared with itself at three other rolls, because
 * the cascade also accepts some faces that are upside down.
 */
export const CERTAIN_SCORE = 0.997;
export const QUARTERS = [0, 90, 180, 270];
/**
 * An uncertain face becomes a candidate if its logit is not the highest of the four, or if the mean of this logit and
 * its own is lower than this.
 */
export const MIN_UNCERTAIN_LOGIT = 2.2;
/** A candidate is dropped after its first examination if the mean of its own logit and this examination's is lower. */
export const MIN_FIRST_LOGIT = 0.5;
/** Sides of the squares in which a candidate is examined, as fractions of its longer side. */
export const EXAMINED_SIDES = [1.0, 0.9];
/**
 * Minimum mean of the five logits of a face. In photos without faces, the highest mean is 2.5, and in most there is no
 * candidate.
 */
export const MIN_MEAN_LOGIT = 2.6;

/** The result of a search. */
interface Found {
  faces: Row[];
  candidates: Row[];
}

/** A second look at one image. */
export class SecondLook {
  private faces: Row[] = [];

  /**
   * @param minFaceSize the smallest face that the first look searched for, in pixels.
   * @param minScore minimum score of a face that needs no examination.
   */
  constructor(
    private readonly cascade: Cascade,
    private readonly image: Image,
    private readonly minFaceSize: number,
    private readonly minScore: number,
  ) {}

  /**
   * Return the faces of the image, those of the first look included.
   *
   * @param first the proposals of the first look.
   */
  async look(first: Proposals): Promise<Row[]> {
    await this.add(await this.read(this.image, first));
    if (this.faces.length === 0) await this.searchTurned();
    if (this.faces.length > 0) {
      const roll = meanRoll(this.faces);
      if (Math.abs(roll) > TILTED_DEGREES) await this.searchTilted(round(roll));
    }
    const smallest = this.faces.length > 0 ? Math.min(...this.faces.map((face) => face[3] - face[1])) : 0;
    if (smallest < SMALL * this.minFaceSize) {
      const proposals = await this.cascade.propose(this.image, round(SMALLER * this.minFaceSize), 1);
      await this.add(await this.read(this.image, proposals));
    }
    return this.faces;
  }

  /** Search the image at all TURNS at once: downscaled, turned, and put side by side. */
  private async searchTurned(): Promise<void> {
    const small = shrink(this.image, 1 / TURNED_SCALE);
    const parts = TURNS.map((degrees) => ({ degrees, ...turnInFrame(small, degrees) }));
    const { row, starts } = sideBySide(parts.map(({ turned }) => turned));
    const proposals = await this.cascade.propose(row, this.minFaceSize);
    const candidates = await this.cascade.candidates(proposals, this.faces, MAX_CANDIDATES);
    const placed = candidates.map((face) => {
      const centre = Math.fround((face[0] + face[2]) / 2);
      const i = Math.max(
        starts.findLastIndex((start) => start < centre),
        0,
      );
      for (const x of [0, 2, 5, 6, 7, 8, 9]) face[x] -= starts[i];
      return place(face, scaled(parts[i].transform, TURNED_SCALE), parts[i].degrees);
    });
    await this.add({ faces: [], candidates: placed });
  }

  /** Search the image at one roll. Faces that were known take the boxes of this search. */
  private async searchTilted(roll: number): Promise<void> {
    const { turned, transform } = turn(this.image, roll);
    const proposals = await this.cascade.propose(turned, round(TILTED_SIZE * this.minFaceSize));
    const known = this.faces;
    this.faces = [];
    const found = await this.read(turned, proposals);
    const inImage = (face: Row) => place(face, transform, roll);
    await this.add({ faces: found.faces.map(inImage), candidates: found.candidates.map(inImage) });
    this.faces = appendNew(this.faces, known);
  }

  /** Return the faces and the candidates of a search, apart from the known faces. */
  private async read(image: Image, proposals: Proposals): Promise<Found> {
    const found = (await this.cascade.faces(proposals)).filter((face) => face[4] >= Math.fround(this.minScore));
    const { faces, candidates: misread } = await checkRoll(this.cascade, image, found);
    const known = [...this.faces, ...faces, ...misread];
    const limit = known.length > 0 ? known.length + MORE_CANDIDATES : MAX_CANDIDATES;
    return { faces, candidates: [...misread, ...(await this.cascade.candidates(proposals, known, limit))] };
  }

  private async add({ faces, candidates }: Found): Promise<void> {
    this.faces = appendNew(this.faces, faces);
    this.faces = appendNew(this.faces, await examine(this.cascade, this.image, candidates));
  }
}

/**
 * Compare uncertain faces with themselves at three other rolls.
 *
 * @returns the faces that stay, and the others as candidates, at their best roll.
 */
export async function checkRoll(cascade: Cascade, image: Image, faces: Row[]): Promise<Found> {
  const found: Found = { faces: [], candidates: [] };
  for (const face of faces) {
    if (face[4] >= Math.fround(CERTAIN_SCORE)) {
      found.faces.push(face);
      continue;
    }
    const pose = poseOf(face);
    const squares = QUARTERS.map((roll) => cutSquare(image, { ...pose, roll: pose.roll + roll }, OUTPUT_SIDE));
    const logits = (await cascade.examine(squares)).map(([logit]) => logit);
    const best = logits.indexOf(Math.max(...logits));
    if (best === 0 && logitOf(face[4]) + logits[0] >= 2 * MIN_UNCERTAIN_LOGIT) {
      found.faces.push(face);
      continue;
    }
    const turned = place(face, rotation(pose.x, pose.y, QUARTERS[best]), QUARTERS[best]);
    turned[4] = 1 / (1 + Math.exp(-logits[best]));
    found.candidates.push(turned);
  }
  return found;
}

/** Return the candidates that are faces, with better boxes and landmarks. */
export async function examine(cascade: Cascade, image: Image, candidates: Row[]): Promise<Row[]> {
  if (candidates.length === 0) return [];
  const first = candidates.map((face) => ({ logit: logitOf(face[4]), pose: poseOf(face) }));
  const outputs = await cascade.examine(first.map(({ pose }) => cutSquare(image, pose, OUTPUT_SIDE)));
  const kept = first
    .map(({ logit, pose }, i) => ({ logit, pose: poseOf(faceOf(outputs[i], pose)), examined: outputs[i][0] }))
    .filter(({ logit, examined }) => logit + examined >= 2 * MIN_FIRST_LOGIT);
  if (kept.length === 0) return [];
  const squares = EXAMINED_SIDES.flatMap((share) =>
    kept.map(({ pose }) => cutSquare(image, { ...pose, side: share * pose.side }, OUTPUT_SIDE)),
  );
  const again = await cascade.examine([...squares, ...squares.map(mirror)]);
  return kept.flatMap(({ logit, pose }, i) => {
    const logits = [logit, ...again.filter((_, k) => k % kept.length === i).map((output) => output[0])];
    const mean = logits.reduce((sum, value) => sum + value) / logits.length;
    if (mean < MIN_MEAN_LOGIT) return [];
    // The first outputs are those of the squares in full size, not mirrored.
    const face = faceOf(again[i], pose);
    face[4] = 1 / (1 + Math.exp(-mean));
    return [face];
  });
}

/** Return the pose of a face's square: its centre, its longer side and its roll. */
export function poseOf(face: Row): Pose {
  const [x1, y1, x2, y2] = face;
  const landmarks = [...face.subarray(5, 10)].map((x, i): Point => [x, face[10 + i]]);
  return { x: (x1 + x2) / 2, y: (y1 + y2) / 2, side: Math.max(x2 - x1, y2 - y1), roll: rollDegrees(landmarks) };
}

/**
 * Map a face from a turned image to the original image. The box of a tilted face becomes a square.
 *
 * @param transform of the turned image.
 * @param roll by how much the image was turned, in degrees.
 */
export function place(face: Row, transform: Transform, roll: number): Row {
  const [x1, y1, x2, y2, score] = face;
  const [x, y] = apply(transform, (x1 + x2) / 2, (y1 + y2) / 2);
  const scale = Math.hypot(transform.cosine, transform.sine);
  let [halfWidth, halfHeight] = [((x2 - x1) / 2) * scale, ((y2 - y1) / 2) * scale];
  if (Math.abs(roll) > TILTED_DEGREES) halfWidth = halfHeight = Math.max(halfWidth, halfHeight);
  const points = [...face.subarray(5, 10)].map((across, i) => apply(transform, across, face[10 + i]));
  return Float32Array.of(
    ...[x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight, score],
    ...points.map(([across]) => across),
    ...points.map(([, down]) => down),
  );
}

/** Return the mean direction of the faces' rolls, in degrees. */
export function meanRoll(faces: Row[]): number {
  const rolls = faces.map((face) => (poseOf(face).roll * Math.PI) / 180);
  const sum = (part: (radians: number) => number) => rolls.reduce((total, roll) => total + part(roll), 0);
  return (Math.atan2(sum(Math.sin), sum(Math.cos)) * 180) / Math.PI;
}

/** Append the rows that overlap no face, in their order. */
export function appendNew(faces: Row[], more: Row[]): Row[] {
  const all = [...faces];
  for (const face of more) if (!overlapAny(face, all)) all.push(face);
  return all;
}

/** Map the third network's output for a square to the image. The score is 0. */
function faceOf(output: Row, pose: Pose): Row {
  const inSquare = Float32Array.of(...output.subarray(1, 5), 0, ...output.subarray(5));
  return place(inSquare, squareTransform(pose, 1), pose.roll);
}

function logitOf(score: number): number {
  return Math.log(score / Math.max(1 - score, 1e-6));
}

function scaled({ cosine, sine, x, y }: Transform, factor: number): Transform {
  return { cosine: cosine * factor, sine: sine * factor, x: x * factor, y: y * factor };
}

/** Put images side by side, and return where each starts. Pixels below the lower ones are black. */
function sideBySide(images: Image[]): { row: Image; starts: number[] } {
  const starts: number[] = [];
  let width = 0;
  for (const image of images) {
    starts.push(width);
    width += image.width;
  }
  const height = Math.max(...images.map((image) => image.height));
  const data = new Uint8ClampedArray(4 * width * height);
  images.forEach((image, i) => {
    for (let y = 0; y < image.height; y++) {
      data.set(image.data.subarray(4 * y * image.width, 4 * (y + 1) * image.width), 4 * (y * width + starts[i]));
    }
  });
  return { row: { data, width, height }, starts };
}
