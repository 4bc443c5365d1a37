import type { FromWorker, ToWorker } from "../protocol";
import workerUrl from "../reader/worker.ts?worker&url";
import { Fault, workerFault } from "./faults";

type Loaded = Extract<FromWorker, { kind: "loaded" }>;
export type Answer = Extract<FromWorker, { kind: "faces" }>;

interface Waiting {
  resolve(message: FromWorker): void;
  reject(fault: Fault): void;
}

/** The worker, as promises: it answers in the order in which it was asked. All of them fail with a {@link Fault}. */
export class Reader {
  /** When the networks are there. */
  readonly loaded: Promise<Loaded>;
  readonly #worker = startWorker();
  #waiting: Waiting[] = [];

  /** @param models the address of the folder with the four networks. */
  constructor(models: string) {
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      const waiting = this.#waiting.shift();
      if (data.kind === "failed") waiting?.reject(workerFault(data.why, data.detail));
      else waiting?.resolve(data);
    };
    // Its program could not be fetched, or it failed outside of an answer: whoever waits would wait for ever.
    this.#worker.onerror = (event) => {
      const fault = new Fault("other", event.message ?? "the worker could not be started");
      for (const waiting of this.#waiting.splice(0)) waiting.reject(fault);
    };
    this.loaded = this.#ask<Loaded>({ kind: "load", models });
    this.loaded.catch(() => {}); // Whoever reads is told.
  }

  /** Read the next frame of a stream, which was taken at a time in seconds; the picture is gone afterwards. */
  async readFrame(picture: ImageBitmap, timeS: number): Promise<Answer> {
    await this.loaded;
    return this.#ask<Answer>({ kind: "frame", picture, timeS }, [picture]);
  }

  /** Read a picture by itself; it is gone afterwards. */
  async readPhoto(picture: ImageBitmap): Promise<Answer> {
    await this.loaded;
    return this.#ask<Answer>({ kind: "photo", picture }, [picture]);
  }

  /** The next frame begins another stream. */
  forget(): void {
    this.#worker.postMessage({ kind: "forget" } satisfies ToWorker);
  }

  #ask<A extends FromWorker>(message: ToWorker, transfer: Transferable[] = []): Promise<A> {
    this.#worker.postMessage(message, transfer);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as (message: FromWorker) => void, reject });
    });
  }
}

/** A worker from an address of its own would not be bound by this page's Content-Security-Policy; one from a blob is. */
function startWorker(): Worker {
  const address = new URL(workerUrl, location.href).href;
  const program = new Blob([`import ${JSON.stringify(address)};`], { type: "text/javascript" });
  return new Worker(URL.createObjectURL(program), { type: "module" });
}
