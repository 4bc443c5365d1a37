/** The order of the reader's rooms, as in `tests/test_architecture.py`: imports point down, and form no cycle. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const READER = fileURLToPath(new URL("../../src/reader", import.meta.url));
/** A room imports from itself and from the rooms before it. */
const ROOMS = [
  ...["errors", "rounding", "boxes", "landmarks", "faces"],
  ...["media", "checkpoint", "network", "detection", "tracking", "explain", "recognizer"],
  "worker",
];
/** The only import from outside the reader: the messages that the worker exchanges with the page. */
const PROTOCOL = "../protocol";

/** Return the reader's modules that a module imports, without the extension and relative to the reader. */
function importsOf(module: string): string[] {
  const source = readFileSync(join(READER, `${module}.ts`), "utf8");
  const found = [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]*)"/g)];
  return found.map(([, path]) => relative(READER, join(READER, dirname(module), path)));
}

const files = readdirSync(READER, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
const MODULES = new Map(files.map((path) => path.replace(/\.ts$/, "")).map((module) => [module, importsOf(module)]));
const roomOf = (module: string): string => module.split("/")[0];

test("every room has its place", () => {
  expect(new Set([...MODULES.keys()].map(roomOf))).toEqual(new Set(ROOMS));
});

test.each([...MODULES])("%s imports from lower rooms only", (module, imports) => {
  for (const imported of imports) {
    if (module === "worker" && imported === PROTOCOL) continue;
    expect([...MODULES.keys()], `${module} imports ${imported}`).toContain(imported);
    expect(ROOMS.indexOf(roomOf(imported)), `${module} imports ${imported}`).toBeLessThanOrEqual(
      ROOMS.indexOf(roomOf(module)),
    );
  }
});

test("no import cycle", () => {
  const visit = (module: string, path: string[]): void => {
    expect(path, `${[...path, module].join(" → ")}`).not.toContain(module);
    for (const imported of MODULES.get(module) ?? []) visit(imported, [...path, module]);
  };
  for (const module of MODULES.keys()) visit(module, []);
});
