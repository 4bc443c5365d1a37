/** Downloads of the models and of ONNX Runtime's WebAssembly. */

import { MiniXceptionError } from "../errors";

/**
 * Download a file.
 *
 * @throws MiniXceptionError the file cannot be downloaded.
 */
export async function download(url: string): Promise<Uint8Array> {
  return new Uint8Array(await attempt(url, (response) => response.arrayBuffer()));
}

/**
 * Download and decompress a file that the build compressed; see `pack.ts`.
 *
 * @throws MiniXceptionError the file cannot be downloaded, or is damaged.
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
    throw new MiniXceptionError("no-download", `${url}: cannot be downloaded (${error}); reload the page`, error);
  }
}
