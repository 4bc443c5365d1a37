import { expect, test } from "vitest";
import { readCheckpoint } from "../../../src/reader/checkpoint/folder";

const VALUES = {
  format_version: 1,
  labels: ["up", "überrascht"],
  image_size: 64,
  mean: 0.5,
  std: 0.25,
  framing: { scale: 1.1, offset_x: 0, offset_y: 0.1 },
  temperature: 1.5,
  padding: "symmetric",
};

/** Encode a field of a protobuf message: a string, another message, or an integer. */
function field(number: number, content: string | number[] | number): number[] {
  if (typeof content === "number") return [...varint(number * 8), ...varint(content)];
  const bytes = typeof content === "string" ? [...new TextEncoder().encode(content)] : content;
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** Make an ONNX file with this metadata. Its graph is so long that its length needs two bytes. */
function file(values: object, others: Record<string, string> = {}): Uint8Array {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  const texts = given.map(([name, value]) => [name, JSON.stringify(value)]);
  const metadata = [...texts, ...Object.entries(others)].flatMap(([name, value]) =>
    field(14, [...field(1, name), ...field(2, value)]),
  );
  const version = field(5, 2 ** 40);
  return new Uint8Array([
    ...field(1, 8),
    ...field(2, "pytorch"),
    ...version,
    ...field(7, Array(1000).fill(0)),
    ...metadata,
  ]);
}

test("the configuration is read, and other metadata is ignored", () => {
  const { format_version: _, padding: __, ...checkpoint } = VALUES;
  expect(readCheckpoint(file(VALUES, { fingerprint: "b41980", author: "someone" }))).toEqual(checkpoint);
});

test("a file without format_version", () => {
  expect(readCheckpoint(file({ ...VALUES, format_version: undefined })).labels).toEqual(VALUES.labels);
});

test.each([
  ["labels", undefined, "metadata labels is missing"],
  ["labels", [], "metadata labels is [], which is not valid"],
  ["labels", "happy", 'metadata labels is "happy", which is not valid'],
  ["image_size", 4.5, "metadata image_size is 4.5, which is not valid"],
  ["std", 0, "metadata std is 0, which is not valid"],
  ["framing", { scale: 1 }, 'metadata framing is {"scale":1}, which is not valid'],
  ["framing", null, "metadata framing is null, which is not valid"],
  ["temperature", -1, "metadata temperature is -1, which is not valid"],
  ["format_version", 2, "format_version is 2, but this page reads 1"],
])("a file whose %s is %j", (name, value, detail) => {
  expect(messageOf(file({ ...VALUES, [name]: value }))).toContain(detail);
});

test("damaged files and other file types", () => {
  const whole = file(VALUES);
  const html = new TextEncoder().encode("<!doctype html><title>Not found</title>");
  for (const damaged of [whole.slice(0, 500), whole.slice(0, -1), html]) {
    expect(messageOf(damaged)).toContain("damaged, or not an ONNX file");
  }
  expect(messageOf(new Uint8Array())).toContain("metadata labels is missing");
});

/** Return the error message for a file that cannot be used. */
function messageOf(damaged: Uint8Array): string {
  try {
    readCheckpoint(damaged);
  } catch (error) {
    expect(error).toMatchObject({ failure: "bad-checkpoint" });
    return String(error);
  }
  throw new Error("the file was accepted");
}
