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
  const metadata = new Map<string, unknown>();
  try {
    for (const entry of fields(file, METADATA_PROPS)) {
      const [[key], [value]] = [KEY, VALUE].map((number) => [...fields(entry, number)].map((text) => decode(text)));
      if (key !== "fingerprint") metadata.set(key, JSON.parse(value));
    }
  } catch (error) {
    throw new ReaderError("bad-checkpoint", `model.onnx: damaged or no ONNX file (${error})`, error);
  }
  const version = metadata.get("format_version") ?? FORMAT_VERSION;
  if (version !== FORMAT_VERSION) {
    const detail = `its format_version is ${JSON.stringify(version)}, this page reads ${FORMAT_VERSION}`;
    throw new ReaderError("bad-checkpoint", `model.onnx: ${detail}; update the page or export again`);
  }
  return Object.fromEntries(
    Object.entries(CHECKS).map(([name, isValid]) => {
      const value = metadata.get(name);
      if (isValid(value)) return [name, value];
      const found = value === undefined ? "missing" : JSON.stringify(value);
      throw new ReaderError(
        "bad-checkpoint",
        `model.onnx: ${name} in its metadata is ${found}; export the checkpoint again`,
      );
    }),
  ) as unknown as Checkpoint;
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
const decode = (text: Uint8Array): string => decoder.decode(text);

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
