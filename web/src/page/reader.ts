import type { FromWorker, ToWorker } from "../protocol";
import workerUrl from "../reader/worker.ts?worker&url";
import { Fault, workerFault } from "./faults";

type Loaded = Extract<FromWorker, { kind: "loaded" }>;
export type Answer = Extract<FromWorker, { kind: "faces" }>;

interface Pending {
  resolve(message: FromWorker): void;
  reject(fault: Fault): void;
}

/** A promise-based interface to the worker, which answers requests in order. It rejects with {@link Fault}. */
export class Reader {
  /** Resolves when the models are loaded. */
  readonly loaded: Promise<Loaded>;
  readonly #worker = startWorker();
  #pending: Pending[] = [];

  /** @param models URL of the folder with the four models. */
  constructor(models: string) {
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      const request = this.#pending.shift();
      if (data.kind === "failed") request?.reject(workerFault(data.failure, data.detail));
      else request?.resolve(data);
    };
    // The worker's script could not be loaded, or failed outside an answer. No pending request will be answered.
    this.#worker.onerror = (event) => {
      const fault = new Fault("other", event.message ?? "the worker could not be started; reload the page");
      for (const request of this.#pending.splice(0)) request.reject(fault);
    };
    this.loaded = this.#send<Loaded>({ kind: "load", models });
    this.loaded.catch(() => {}); // The methods below await the same promise and reject too.
  }

  /** Recognise the faces in the next frame of a stream. `timeS` is its time in seconds. The image is transferred. */
  async recognizeFrame(image: ImageBitmap, timeS: number): Promise<Answer> {
    await this.loaded;
    return this.#send<Answer>({ kind: "frame", image, timeS }, [image]);
  }

  /** Recognise the faces in a photo. The image is transferred. */
  async recognizePhoto(image: ImageBitmap): Promise<Answer> {
    await this.loaded;
    return this.#send<Answer>({ kind: "photo", image }, [image]);
  }

  /** Start a new stream with the next frame. */
  forget(): void {
    this.#worker.postMessage({ kind: "forget" } satisfies ToWorker);
  }

  #send<A extends FromWorker>(message: ToWorker, transfer: Transferable[] = []): Promise<A> {
    this.#worker.postMessage(message, transfer);
    return new Promise((resolve, reject) => {
      this.#pending.push({ resolve: resolve as (message: FromWorker) => void, reject });
    });
  }
}

/** Start the worker from a blob. Started from a URL, it would not obey this page's Content-Security-Policy. */
function startWorker(): Worker {
  const address = new URL(workerUrl, location.href).href;
  const program = new Blob([`import ${JSON.stringify(address)};`], { type: "text/javascript" });
  return new Worker(URL.createObjectURL(program), { type: "module" });
}
