/** A checkpoint's configuration, from the metadata of its `model.onnx`, which ONNX Runtime Web does not expose. */

import { MiniXceptionError } from "../errors";

/** Version of the metadata. It is raised when an older reader could misread a newer file. */
export const FORMAT_VERSION = 1;

/** The values of `config.json` that classification needs; see Python's `MiniXception`. */
export interface Checkpoint {
  /** Names of the classes, in the order of the logits. */
  labels: string[];
  /** Side of the square input in pixels. */
  image_size: number;
  /** Subtracted from grey values in [0, 1]. */
  mean: number;
  /** Divides the difference. */
  std: number;
  /** How a detector's box maps to the network's square crop; see Python's `Framing`. */
  framing: {
    /** Side of the square, as a fraction of the box's longer side. */
    scale: number;
    /** How far the square's centre lies to the right of the box's centre, as a fraction of the box's longer side. */
    offset_x: number;
    /** How far the square's centre lies below the box's centre, as a fraction of the box's longer side. */
    offset_y: number;
  };
  /** Divides the logits before the softmax. */
  temperature: number;
}

/** Field numbers of ONNX's protobuf messages `ModelProto` and `StringStringEntryProto`. */
const METADATA_PROPS = 14;
const KEY = 1;
const VALUE = 2;

/**
 * Read the configuration from the metadata of an exported network.
 *
 * @throws MiniXceptionError the file is not an ONNX file, lacks the metadata, or has a newer format.
 */
export function readCheckpoint(file: Uint8Array): Checkpoint {
  const metadata = readMetadata(file);
  const version = metadata.get("format_version") ?? String(FORMAT_VERSION);
  if (version !== String(FORMAT_VERSION)) {
    const detail = `format_version is ${version}, but this page reads ${FORMAT_VERSION}`;
    throw new MiniXceptionError("bad-checkpoint", `model.onnx: ${detail}; update the page or export it again`);
  }
  const values = Object.entries(CHECKS).map(([name, isValid]) => {
    const json = metadata.get(name);
    const value = json === undefined ? undefined : parse(json);
    if (isValid(value)) return [name, value];
    const detail =
      json === undefined ? `metadata ${name} is missing` : `metadata ${name} is ${json}, which is not valid`;
    throw new MiniXceptionError("bad-checkpoint", `model.onnx: ${detail}; export it with mini-xception export`);
  });
  return Object.fromEntries(values);
}

/** Return the metadata as strings; most values are JSON. */
function readMetadata(file: Uint8Array): Map<string, string> {
  try {
    const entries = [...fields(file, METADATA_PROPS)];
    return new Map(entries.map((entry) => [text(entry, KEY), text(entry, VALUE)]));
  } catch (error) {
    const message = `model.onnx: damaged, or not an ONNX file (${error}); export it again`;
    throw new MiniXceptionError("bad-checkpoint", message, error);
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

/** Name → check whether a value is valid. */
const CHECKS: Record<keyof Checkpoint, (value: unknown) => boolean> = {
  labels: (value) => Array.isArray(value) && value.length > 0 && value.every((label) => typeof label === "string"),
  image_size: (value) => Number.isInteger(value) && (value as number) > 0,
  mean: isNumber,
  std: (value) => isNumber(value) && value !== 0,
  framing: (value) => {
    const { scale, offset_x, offset_y } = (value ?? {}) as Partial<Checkpoint["framing"]>;
    return isNumber(scale) && scale > 0 && isNumber(offset_x) && isNumber(offset_y);
  },
  temperature: (value) => isNumber(value) && value > 0,
};

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Return the string in a message's field; an omitted field is the empty string. */
function text(message: Uint8Array, number: number): string {
  return decoder.decode([...fields(message, number)].at(-1));
}

/** Yield the contents of a message's fields with this number: strings or messages. See "Encoding" on protobuf.dev. */
function* fields(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      if (at >= message.length) throw new RangeError("the file ends within a number");
      const byte = message[at++];
      value += (byte & 127) * factor;
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
    } else throw new RangeError(`a field has the unknown type ${type}`);
  }
}
