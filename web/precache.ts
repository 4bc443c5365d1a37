import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** What is fetched only to try a graphics card, and is larger than all the rest. */
const ON_TRIAL = /webgpu|asyncify/;

/**
 * Tells the service worker what the build consists of: its names `FILES` and `VERSION`, a hash of all their contents.
 * Another build has another version, and replaces this one whole.
 */
export function precache(): Plugin {
  let publicDir: string;
  return {
    name: "precache",
    apply: "build",
    configResolved: (config) => {
      publicDir = config.publicDir;
    },
    generateBundle: {
      order: "post", // When index.html is there.
      handler(_, bundle) {
        const contents = new Map<string, string | Uint8Array>();
        for (const entry of readdirSync(publicDir, { recursive: true, withFileTypes: true })) {
          const path = join(entry.parentPath, entry.name);
          if (entry.isFile()) contents.set(path.slice(publicDir.length + 1), readFileSync(path));
        }
        for (const [name, output] of Object.entries(bundle)) {
          contents.set(name, output.type === "chunk" ? output.code : output.source);
        }
        const worker = bundle["service-worker.js"];
        if (worker?.type !== "chunk") throw new Error("the build has no service-worker.js");
        const files = [...contents.keys()].filter((name) => name !== worker.fileName && !ON_TRIAL.test(name)).sort();
        const hash = createHash("sha256");
        for (const name of files) hash.update(`${name}\0`).update(contents.get(name) ?? "");
        const version = hash.update(worker.code).digest("hex").slice(0, 16);
        worker.code = `const VERSION = ${JSON.stringify(version)}, FILES = ${JSON.stringify(files)};\n${worker.code}`;
      },
    },
  };
}
