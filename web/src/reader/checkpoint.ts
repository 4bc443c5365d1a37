/** What a checkpoint's `model.onnx` says of its input and output, in the file's metadata, which ONNX Runtime Web hides. */

import { ReaderError } from "./errors";
import type { Framing } from "./preprocess";

/** Raised when an older reader could misread what a newer exporter wrote. */
export const FORMAT_VERSION = 1;

/** The values of `config.json` that reading a face takes; see Python's `MiniXception`. */
export interface Checkpoint {
  /** Names of the classes, in the order of the logits. */
  labels: string[];
  /** Side of the square input in pixels. */
  image_size: number;
  /** Subtracted from grey pixels in [0, 1]. */
  mean: number;
  /** Divides what remains. */
  std: number;
  framing: Framing;
  /** Divides the logits before softmax. */
  temperature: number;
}

/** Fields of ONNX's protobuf messages `ModelProto` and `StringStringEntryProto`. */
const METADATA_PROPS = 14;
const KEY = 1;
const VALUE = 2;

/**
 * Read the metadata of an exported network.
 *
 * @throws ReaderError it is no ONNX file, has no such metadata, or was written for a newer reader.
 */
export function readCheckpoint(file: Uint8Array): Checkpoint {
  const metadata = readMetadata(file);
  const version = metadata.get("format_version") ?? String(FORMAT_VERSION);
  if (version !== String(FORMAT_VERSION)) {
    const detail = `its format_version is ${version}, this page reads ${FORMAT_VERSION}`;
    throw new ReaderError("bad-checkpoint", `model.onnx: ${detail}; update the page or export again`);
  }
  const values = Object.entries(CHECKS).map(([name, isValid]) => {
    const json = metadata.get(name);
    const value = json === undefined ? undefined : parse(json);
    if (isValid(value)) return [name, value];
    const detail = `${name} in its metadata is ${json ?? "missing"}`;
    throw new ReaderError("bad-checkpoint", `model.onnx: ${detail}; write it with mini-xception export`);
  });
  return Object.fromEntries(values);
}

/** The metadata as they stand there: most values are JSON. */
function readMetadata(file: Uint8Array): Map<string, string> {
  try {
    const entries = [...fields(file, METADATA_PROPS)];
    return new Map(entries.map((entry) => [text(entry, KEY), text(entry, VALUE)]));
  } catch (error) {
    throw new ReaderError("bad-checkpoint", `model.onnx: damaged or no ONNX file (${error})`, error);
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

/** What each value must be. */
const CHECKS: Record<keyof Checkpoint, (value: unknown) => boolean> = {
  labels: (value) => Array.isArray(value) && value.length > 0 && value.every((label) => typeof label === "string"),
  image_size: (value) => Number.isInteger(value) && (value as number) > 0,
  mean: isNumber,
  std: (value) => isNumber(value) && value !== 0,
  framing: (value) => {
    const { scale, offset_x, offset_y } = (value ?? {}) as Partial<Framing>;
    return isNumber(scale) && scale > 0 && isNumber(offset_x) && isNumber(offset_y);
  },
  temperature: (value) => isNumber(value) && value > 0,
};

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A message's field of that number as a string, which is empty where it is left out. */
function text(message: Uint8Array, number: number): string {
  return decoder.decode([...fields(message, number)].at(-1));
}

/** The contents of a message's fields of that number, which are strings or messages; see protobuf.dev's "Encoding". */
function* fields(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let place = 1; ; place *= 128) {
      if (at >= message.length) throw new RangeError("the file ends within a number");
      const byte = message[at++];
      value += (byte & 127) * place;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const [number, type] = [Math.floor(tag / 8), tag % 8];
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else if (type === 2) {
      const length = varint();
      if (length > message.length - at) throw new RangeError("the file ends within a field");
      if (number === wanted) yield message.subarray(at, at + length);
      at += length;
    } else throw new RangeError(`a field has the type ${type}`);
  }
}
