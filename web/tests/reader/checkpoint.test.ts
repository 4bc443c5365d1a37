import { expect, test } from "vitest";
import { readCheckpoint } from "../../src/reader/checkpoint";

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

/** A field of a protobuf message: a string, another message, or a whole number. */
function field(number: number, content: string | number[] | number): number[] {
  if (typeof content === "number") return [...varint(number * 8), ...varint(content)];
  const bytes = typeof content === "string" ? [...new TextEncoder().encode(content)] : content;
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** An ONNX file with these metadata, where they are any, around a graph that is longer than one byte can count. */
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

test("what a file says, and nothing else", () => {
  const { format_version: _, padding: __, ...checkpoint } = VALUES;
  expect(readCheckpoint(file(VALUES, { fingerprint: "b41980", author: "someone" }))).toEqual(checkpoint);
});

test("a file of before there was a format_version", () => {
  expect(readCheckpoint(file({ ...VALUES, format_version: undefined })).labels).toEqual(VALUES.labels);
});

test.each([
  ["labels", undefined, "labels in its metadata is missing"],
  ["labels", [], "labels in its metadata is []"],
  ["labels", "happy", 'labels in its metadata is "happy"'],
  ["image_size", 4.5, "image_size in its metadata is 4.5"],
  ["std", 0, "std in its metadata is 0"],
  ["framing", { scale: 1 }, 'framing in its metadata is {"scale":1}'],
  ["framing", null, "framing in its metadata is null"],
  ["temperature", -1, "temperature in its metadata is -1"],
  ["format_version", 2, "its format_version is 2, this page reads 1"],
])("a file whose %s is %j", (name, value, detail) => {
  expect(failure(file({ ...VALUES, [name]: value }))).toContain(detail);
});

test("damaged files and other ones", () => {
  const whole = file(VALUES);
  const html = new TextEncoder().encode("<!doctype html><title>Not found</title>");
  for (const damaged of [whole.slice(0, 500), whole.slice(0, -1), html]) {
    expect(failure(damaged)).toContain("damaged or no ONNX file");
  }
  expect(failure(new Uint8Array())).toContain("labels in its metadata is missing");
});

/** What is said of a file that cannot be used. */
function failure(damaged: Uint8Array): string {
  try {
    readCheckpoint(damaged);
  } catch (error) {
    expect(error).toMatchObject({ why: "bad-checkpoint" });
    return String(error);
  }
  throw new Error("it was taken");
}
