/** Caches the build's files, so the page works offline. Each build has its own cache, which replaces the old cache. */

/** The build's version and files; `precache.ts` defines both. */
declare const VERSION: string;
declare const FILES: string[];
declare const self: ServiceWorkerGlobalScope;

/** The page's folder. Another folder of the same host may hold another copy of the page. */
const FOLDER = new URL("./", self.location.href).href;
const PREFIX = `${FOLDER} `;
const CACHE = PREFIX + VERSION;

self.addEventListener("install", (event) => {
  const fill = async (): Promise<void> => {
    const cache = await caches.open(CACHE);
    await Promise.all(FILES.map((file) => download(file, cache)));
    await self.skipWaiting();
  };
  event.waitUntil(fill());
});

async function download(file: string, cache: Cache): Promise<void> {
  // The browser's own cache may hold an earlier build's file with the same name.
  const response = await fetch(file, { cache: "no-cache" });
  if (!response.ok)
    throw new Error(`${file}: cannot be downloaded (${response.status} ${response.statusText}); reload the page`);
  // Copy the response: a host may redirect index.html to its folder, and browsers reject redirected responses as pages.
  await cache.put(file, new Response(response.body, response));
}

self.addEventListener("activate", (event) => {
  const deleteOthers = async (): Promise<void> => {
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    }
  };
  event.waitUntil(deleteOthers());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const answer = async (): Promise<Response> => {
    const [address] = request.url.split(/[?#]/);
    const cache = await caches.open(CACHE);
    return (await cache.match(address === FOLDER ? "index.html" : address)) ?? fetch(request);
  };
  if (request.method === "GET") event.respondWith(answer());
});

export {};
