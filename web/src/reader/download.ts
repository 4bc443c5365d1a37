import { ReaderError } from "./errors";

/** @throws ReaderError it cannot be fetched. */
export async function download(url: string): Promise<Uint8Array> {
  return new Uint8Array(await attempt(url, (response) => response.arrayBuffer()));
}

/**
 * What the build keeps compressed; see `pack.ts`.
 *
 * @throws ReaderError it cannot be fetched, or is damaged.
 */
export async function downloadPacked(url: string): Promise<ArrayBuffer> {
  const unpack = async (response: Response): Promise<ArrayBuffer> => {
    const packed = await response.blob();
    return new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  };
  return attempt(url, unpack);
}

async function attempt<T>(url: string, read: (response: Response) => Promise<T>): Promise<T> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    return await read(response);
  } catch (error) {
    throw new ReaderError("no-download", `${url}: ${error}`, error);
  }
}
