import type { Face } from "../reader/faces";
import type { Framing } from "../reader/network/preprocess";
import { Announcer } from "./announcer";
import { Frames, openCamera } from "./camera";
import { Cards } from "./cards";
import { byId, setText } from "./elements";
import { indexOfHighest, numberOf } from "./emotions";
import { Fault } from "./faults";
import type { Style } from "./overlay";
import { type Message, toMessage } from "./posting";
import { type Answer, Reader } from "./reader";
import { toJson } from "./records";
import { Stream } from "./stream";
import { type Frame, toCsv } from "./table";
import { type Language, labelText, type TextKey, text } from "./texts";
import { whyUnsure } from "./trust";
import { type Source, Viewer } from "./viewer";

/** The state of the page: the example, the camera or a photo, its faces, and the messages. */
export class App {
  readonly #viewer = new Viewer(
    () => this.#drawBoxes(),
    (number) => this.#highlight(number),
    (number) => this.#cards.scrollTo(number),
  );
  readonly #cards = new Cards(byId("cards"), {
    onSelect: (number) => this.#select(number),
    onHighlight: (number) => this.#highlight(number),
    onEvidence: () => this.#drawFaces(),
  });
  readonly #stream = new Stream();
  readonly #reader: Reader;
  #language: Language;
  #announcer = new Announcer();
  #labels: readonly string[] = [];
  #framing: Framing = { scale: 1, offset_x: 0, offset_y: 0 };
  /** The answer for the example, once it is known. */
  #example: Answer | null = null;
  #answer: Answer | null = null;
  /** The `path` of saved files: the photo's file name, or "camera". */
  #path = "";
  /** Number of the face that is emphasised; null for none. */
  #highlighted: number | null = null;
  /** Aborting this closes the camera or photo. */
  #shown = new AbortController();
  /** The status while the example is shown. */
  #idle: TextKey = "loading";
  #status: { key: TextKey; values: Record<string, number> } = { key: "loading", values: {} };
  #fault: TextKey | null = null;

  /**
   * @param models URL of the folder with the four models.
   * @param post sends a message to the page around this one, if it asked for messages.
   */
  constructor(
    models: string,
    language: Language,
    private readonly post: ((message: Message) => void) | null,
  ) {
    this.#language = language;
    this.#reader = new Reader(models);
    this.#reader.loaded.then(
      ({ labels, framing }) => {
        this.#labels = labels;
        this.#framing = framing;
        this.#stream.setLabels(labels);
        this.#setIdle("ready");
      },
      (fault) => this.#fail(fault),
    );
    this.close();
  }

  /** Resolves when the models are loaded. */
  get loaded(): Promise<unknown> {
    return this.#reader.loaded;
  }

  /** Show that the page now works offline. */
  setOffline(): void {
    this.#setIdle("ready_offline");
  }

  /** Show the camera and recognise the faces in its frames, one frame after the other, until the camera is closed. */
  async showCamera(): Promise<void> {
    const until = this.#begin("camera", "camera", "starting");
    await this.#attempt(until, async () => {
      const { video } = this.#viewer;
      await openCamera(video, until, () => this.#fail(new Fault("camera_gone", "the camera's track ended")));
      this.#reader.forget();
      const frames = new Frames(video, until);
      while (await frames.next()) {
        const timeS = performance.now() / 1000;
        const timeMs = Date.now();
        const answer = await this.#reader.recognizeFrame(await createImageBitmap(video), timeS);
        if (until.aborted) return;
        this.#showFrame(answer, timeS);
        this.#post(answer, timeMs);
      }
    });
  }

  /** Show a photo and recognise its faces. */
  async showPhoto(file: File): Promise<void> {
    const until = this.#begin("photo", file.name, "processing");
    await this.#attempt(until, async () => {
      const timeMs = Date.now();
      const image = await createImageBitmap(file).catch((error) => {
        throw new Fault("bad_image", String(error));
      });
      if (until.aborted) return image.close();
      await this.#viewer.showPhoto(file, until);
      this.#viewer.scrollIntoView();
      const answer = await this.#reader.recognizePhoto(image);
      if (until.aborted) return;
      this.#answer = answer;
      this.#setStatus("photo_speed", { ms: Math.round(answer.timings.totalMs) });
      setText(byId("announcement"), this.#announcement(answer.faces));
      this.#draw();
      this.#post(answer, timeMs);
    });
  }

  /** Close the camera or photo, and show the example. */
  async close(): Promise<void> {
    const until = this.#begin("example", "example.jpg", this.#idle);
    this.#example ??= await this.#classifyExample(until);
    if (until.aborted) return;
    this.#answer = this.#example;
    this.#isBusy = false;
    this.#draw();
  }

  get source(): Source {
    return this.#viewer.source;
  }

  setMirrored(isMirrored: boolean): void {
    this.#viewer.isMirrored = isMirrored;
    this.#drawBoxes();
  }

  setLanguage(language: Language): void {
    this.#language = language;
    this.#draw();
  }

  /** Return the faces as CSV: those in the photo, or all since the camera was started. */
  toCsv(): string {
    return toCsv(this.#path, this.#frames, this.#labels);
  }

  /** Return the faces as JSON: those in the photo, or all since the camera was started. */
  toJson(): string {
    return toJson(this.#path, this.#frames, this.#labels);
  }

  /** Return the image with its boxes, as JPEG. */
  toImage(): Promise<Blob> {
    return this.#viewer.annotated(this.#answer?.faces ?? [], this.#style);
  }

  get #frames(): Frame[] {
    return this.source === "camera" ? this.#stream.frames : [{ timeS: null, faces: this.#answer?.faces ?? [] }];
  }

  get #style(): Style {
    return {
      labels: this.#labels,
      framing: this.#framing,
      language: this.#language,
      highlighted: this.#highlighted,
    };
  }

  /** Whether faces are awaited. Grey cards stand where they will be. */
  set #isBusy(isBusy: boolean) {
    const faces = byId("faces");
    if (faces.ariaBusy !== String(isBusy)) faces.ariaBusy = String(isBusy);
  }

  /** Return the answer for the example; null if it is no longer needed, or cannot be computed. */
  async #classifyExample(until: AbortSignal): Promise<Answer | null> {
    try {
      await this.#reader.loaded;
    } catch {
      return null; // The page already shows the fault.
    }
    if (until.aborted) return null; // The visitor was faster.
    try {
      await this.#viewer.example.decode();
      return await this.#reader.recognizePhoto(await createImageBitmap(this.#viewer.example));
    } catch (error) {
      console.warn(error); // A page without its example is still useful.
      return null;
    }
  }

  #begin(source: Source, path: string, status: TextKey): AbortSignal {
    this.#shown.abort();
    this.#shown = new AbortController();
    this.#viewer.source = source;
    this.#path = path;
    this.#answer = this.#highlighted = this.#fault = null;
    this.#announcer = new Announcer();
    this.#stream.forget();
    this.#cards.clear();
    setText(byId("message"), "");
    this.#isBusy = true;
    this.#setStatus(status);
    this.#draw();
    return this.#shown.signal;
  }

  async #attempt(until: AbortSignal, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (!until.aborted)
        this.#fail(error instanceof Fault ? error : new Fault("other", String(error), { cause: error }));
    }
  }

  #fail(fault: Fault): void {
    console.warn(fault);
    this.close();
    this.#fault = fault.key;
    this.#draw();
  }

  #showFrame(answer: Answer, timeS: number): void {
    this.#answer = answer;
    this.#drawFaces(); // First, because after the other changes it would wait for a layout.
    const speed = this.#stream.add(answer, timeS, this.#language);
    if (speed) this.#setStatus("speed", speed);
    const announcement = this.#announcer.update(this.#announcement(answer.faces.slice(0, 1)), timeS);
    if (announcement) setText(byId("announcement"), announcement);
  }

  #post({ faces }: Answer, timeMs: number): void {
    this.post?.(toMessage(faces, this.#labels, this.#viewer.size, timeMs));
  }

  #select(number: number): void {
    this.#stream.selected = this.#stream.selected === number ? null : number;
    this.#draw();
  }

  #highlight(number: number | null): void {
    if (this.#highlighted === number) return;
    this.#highlighted = number;
    this.#drawFaces();
  }

  #setIdle(idle: TextKey): void {
    const isIdle = this.#status.key === this.#idle;
    this.#idle = idle;
    if (isIdle) this.#setStatus(idle);
  }

  #setStatus(key: TextKey, values: Record<string, number> = {}): void {
    this.#status = { key, values };
    setText(byId("status"), text(key, this.#language, values));
  }

  /** Return the faces' expressions for a screen reader. */
  #announcement(faces: readonly Face[]): string {
    const words = faces.map((face) => {
      const isUnsure = whyUnsure(face) !== null;
      const label = labelText(this.#labels[indexOfHighest(face.probabilities)], this.#language);
      const emotion = isUnsure ? text("unsure", this.#language) : label;
      return text("announcement", this.#language, { number: numberOf(face, faces), emotion });
    });
    return words.join(", ") || text("announcement_none", this.#language);
  }

  #draw(): void {
    this.#setStatus(this.#status.key, this.#status.values);
    setText(byId("fault"), this.#fault ? text(this.#fault, this.#language) : "");
    const ms = this.#example && Math.round(this.#example.timings.totalMs);
    setText(byId("badge"), text(ms === null ? "example" : "example_done", this.#language, { ms: ms ?? 0 }));
    this.#drawFaces();
    this.#stream.draw(this.#language);
  }

  #drawFaces(): void {
    this.#drawBoxes();
    if (!this.#answer) return;
    const { faces } = this.#answer;
    const isChoice = this.source === "camera" && faces.length > 1;
    this.#cards.show(faces, this.#viewer.image, isChoice, this.#stream.selected, this.#style);
    setText(byId("message"), this.#cards.isEmpty ? text("no_face", this.#language) : "");
    this.#isBusy = false;
  }

  #drawBoxes(): void {
    this.#viewer.draw(this.#answer?.faces ?? [], this.#style);
  }
}
