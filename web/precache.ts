import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** Files for the graphics card. They are larger than all other files together, and not every visitor needs them. */
const FOR_WEBGPU = /webgpu|asyncify/;

/**
 * Defines two constants in the service worker: `FILES`, the names of the build's files, and `VERSION`, a hash of their
 * contents. A build with another version replaces this one completely.
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
      order: "post", // After index.html is generated.
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
        if (worker?.type !== "chunk")
          throw new Error("service-worker.js: missing in the build; check rolldownOptions.input");
        const files = [...contents.keys()].filter((name) => name !== worker.fileName && !FOR_WEBGPU.test(name)).sort();
        const hash = createHash("sha256");
        for (const name of files) hash.update(`${name}\0`).update(contents.get(name) ?? "");
        const version = hash.update(worker.code).digest("hex").slice(0, 16);
        worker.code = `const VERSION = ${JSON.stringify(version)}, FILES = ${JSON.stringify(files)};\n${worker.code}`;
      },
    },
  };
}
