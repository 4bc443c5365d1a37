import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, type Rolldown } from "vite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { precache } from "../../precache.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "precache-"));
  mkdirSync(join(root, "public/models"), { recursive: true });
  writeFileSync(join(root, "public/models/model.onnx"), "weights");
  writeFileSync(join(root, "index.html"), '<script type="module" src="main.ts"></script>');
  writeFileSync(join(root, "main.ts"), "document.title = 'page'");
  writeFileSync(join(root, "worker.ts"), "console.log(VERSION, FILES)");
});

afterEach(() => rmSync(root, { recursive: true }));

/** Build the page, and return the constants of its service worker. */
async function built(): Promise<{ VERSION: string; FILES: string[] }> {
  const { output } = (await build({
    root,
    logLevel: "silent",
    plugins: [precache()],
    build: {
      write: false,
      rolldownOptions: {
        input: { index: join(root, "index.html"), "service-worker": join(root, "worker.ts") },
        output: { entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name].js") },
      },
    },
  })) as Rolldown.RolldownOutput;
  const worker = output.find((file) => file.fileName === "service-worker.js") as Rolldown.OutputChunk;
  return new Function("console", `${worker.code}; return { VERSION, FILES };`)({ log: () => {} });
}

test("all files of the build are listed except the service worker", async () => {
  expect((await built()).FILES).toEqual(["assets/index.js", "index.html", "models/model.onnx"]);
});

test("equal files give equal versions; a change of a model, the page or the script changes the version", async () => {
  const versions = [(await built()).VERSION, (await built()).VERSION];
  writeFileSync(join(root, "public/models/model.onnx"), "weightS");
  versions.push((await built()).VERSION);
  writeFileSync(join(root, "index.html"), '<title>page</title><script type="module" src="main.ts"></script>');
  versions.push((await built()).VERSION);
  writeFileSync(join(root, "worker.ts"), "console.log(FILES, VERSION)");
  versions.push((await built()).VERSION);
  expect(versions[1]).toBe(versions[0]);
  expect(new Set(versions).size).toBe(4);
});
