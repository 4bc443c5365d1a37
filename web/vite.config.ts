import { defineConfig } from "vitest/config";
import { pack } from "./pack.ts";
import { precache } from "./precache.ts";

export default defineConfig({
  base: "./", // A relative base, so the page works in any folder of any host.
  build: {
    outDir: "../mini_xception/web", // The demo serves it from there, and the wheel includes it.
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: { index: "index.html", "service-worker": "src/page/service_worker.ts" },
      output: {
        // A service worker controls only its own folder, and browsers look for updates under the same name.
        entryFileNames: ({ name }) => (name === "service-worker" ? "[name].js" : "assets/[name]-[hash].js"),
      },
    },
  },
  worker: { format: "es" },
  plugins: [pack(), precache()],
});
