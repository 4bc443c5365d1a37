/** Keeps the build's files, so that the page starts without a network; one cache for each build, replaced whole. */

/** Of this build; `precache.ts` writes both before this file. */
declare const VERSION: string;
declare const FILES: string[];
declare const self: ServiceWorkerGlobalScope;

/** The page's folder; another one of this host may hold another copy of the page. */
const FOLDER = new URL("./", self.location.href).href;
const PREFIX = `${FOLDER} `;
const CACHE = PREFIX + VERSION;

self.addEventListener("install", (event) => {
  const keep = async (): Promise<void> => {
    const cache = await caches.open(CACHE);
    await Promise.all(FILES.map((file) => download(file, cache)));
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

async function download(file: string, cache: Cache): Promise<void> {
  // Past the browser's own cache, which may hold an earlier build's file under the same name.
  const response = await fetch(file, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${file}: ${response.status} ${response.statusText}`);
  // A copy: a host may redirect index.html to its folder, and browsers open no page from a redirected answer.
  await cache.put(file, new Response(response.body, response));
}

self.addEventListener("activate", (event) => {
  const dropOthers = async (): Promise<void> => {
    for (const name of await caches.keys()) {
      if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    }
  };
  event.waitUntil(dropOthers());
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
