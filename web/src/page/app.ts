import type { Face } from "../reader/faces";
import { Announcer } from "./announcer";
import { Frames, openCamera } from "./camera";
import { Cards } from "./cards";
import { Chart } from "./chart";
import { byId, setText } from "./elements";
import { indexOfHighest, numberOf } from "./emotions";
import { Fault } from "./faults";
import { type Answer, Reader } from "./reader";
import { Speed } from "./speed";
import { toCsv } from "./table";
import { type Language, labelText, type TextKey, text } from "./texts";
import { Timeline } from "./timeline";
import { type Source, Viewer } from "./viewer";

/** The chart and the speed are drawn less often than the boxes, because nobody can follow 30 updates per second. */
const CHART_INTERVAL_S = 0.1;
const SPEED_INTERVAL_S = 0.5;

/** The state of the page: the camera or photo, its faces, and the messages. */
export class App {
  readonly #viewer = new Viewer(() => this.#drawBoxes());
  readonly #cards = new Cards(byId("cards"), (number) => this.#select(number));
  readonly #chart = new Chart(byId("chart"));
  readonly #timeline = new Timeline();
  readonly #reader: Reader;
  #language: Language;
  #announcer = new Announcer();
  #speed = new Speed();
  #labels: readonly string[] = [];
  #answer: Answer | null = null;
  /** The `path` of the CSV file: the photo's file name, or "camera". */
  #path = "";
  /** Number of the face in the timeline; null for the largest face. */
  #selected: number | null = null;
  /** Aborting this closes the camera or photo. */
  #shown = new AbortController();
  /** The status while neither camera nor photo is shown. */
  #idle: TextKey = "loading";
  #status: { key: TextKey; values: Record<string, number> } = { key: "loading", values: {} };
  #fault: TextKey | null = null;
  #chartS = 0;
  #speedS = 0;

  /** @param models URL of the folder with the four models. */
  constructor(models: string, language: Language) {
    this.#language = language;
    this.#reader = new Reader(models);
    this.#reader.loaded.then(
      ({ labels }) => {
        this.#labels = labels;
        this.#chart.setLabels(labels);
        this.#setIdle("ready");
      },
      (fault) => this.#fail(fault),
    );
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
        const answer = await this.#reader.recognizeFrame(await createImageBitmap(video), timeS);
        if (!until.aborted) this.#showFrame(answer, timeS);
      }
    });
  }

  /** Show a photo and recognise its faces. */
  async showPhoto(file: File): Promise<void> {
    const until = this.#begin("photo", file.name, "processing");
    await this.#attempt(until, async () => {
      const image = await createImageBitmap(file).catch((error) => {
        throw new Fault("bad_image", String(error));
      });
      if (until.aborted) return image.close();
      await this.#viewer.showPhoto(file, until);
      const answer = await this.#reader.recognizePhoto(image);
      if (until.aborted) return;
      this.#answer = answer;
      this.#setStatus("photo_speed", { ms: Math.round(answer.timings.totalMs) });
      setText(byId("announcement"), this.#announcement(answer.faces));
      this.#draw();
    });
  }

  /** Close the camera or photo. */
  close(): void {
    this.#begin("none", "", this.#idle);
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
    const photo = { timeS: null, faces: this.#answer?.faces ?? [] };
    return toCsv(this.#path, this.source === "photo" ? [photo] : this.#timeline.frames, this.#labels);
  }

  #begin(source: Source, path: string, status: TextKey): AbortSignal {
    this.#shown.abort();
    this.#shown = new AbortController();
    this.#viewer.source = source;
    this.#path = path;
    this.#answer = null;
    this.#selected = this.#fault = null;
    this.#speed = new Speed();
    this.#announcer = new Announcer();
    this.#timeline.forget();
    this.#cards.clear();
    setText(byId("message"), "");
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
    this.#timeline.add(timeS, answer.faces);
    this.#speed.count(timeS * 1000, answer.timings.totalMs);
    if (timeS - this.#speedS >= SPEED_INTERVAL_S) {
      this.#speedS = timeS;
      const frames = Number(this.#speed.framesPerS.toPrecision(2));
      this.#setStatus("speed", { frames, ms: Math.round(this.#speed.typicalMs) });
    }
    if (timeS - this.#chartS >= CHART_INTERVAL_S) {
      this.#chartS = timeS;
      this.#drawChart();
    }
    const announcement = this.#announcer.update(this.#announcement(answer.faces.slice(0, 1)), timeS);
    if (announcement) setText(byId("announcement"), announcement);
  }

  #select(number: number): void {
    this.#selected = this.#selected === number ? null : number;
    this.#draw();
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
      const emotion = labelText(this.#labels[indexOfHighest(face.probabilities)], this.#language);
      return text("announcement", this.#language, { number: numberOf(face, faces), emotion });
    });
    return words.join(", ") || text("announcement_none", this.#language);
  }

  #draw(): void {
    this.#setStatus(this.#status.key, this.#status.values);
    setText(byId("fault"), this.#fault ? text(this.#fault, this.#language) : "");
    this.#drawFaces();
    this.#drawChart();
  }

  #drawFaces(): void {
    this.#drawBoxes();
    if (!this.#answer) return;
    const { faces } = this.#answer;
    const isChoice = this.source === "camera" && faces.length > 1;
    this.#cards.show(faces, this.#viewer.image, this.#labels, isChoice, this.#selected, this.#language);
    setText(byId("message"), this.#cards.isEmpty ? text("no_face", this.#language) : "");
  }

  #drawBoxes(): void {
    this.#viewer.draw(this.#answer?.faces ?? [], this.#labels, this.#language);
  }

  #drawChart(): void {
    const nowS = performance.now() / 1000;
    let stretches = this.#timeline.recent(nowS, this.#selected);
    if (this.#selected !== null && !stretches.length) {
      this.#selected = null; // The face left 30 seconds ago.
      stretches = this.#timeline.recent(nowS, null);
    }
    setText(byId("chart-title"), this.#chartTitle());
    this.#chart.show(stretches, nowS, this.#language);
  }

  #chartTitle(): string {
    if (this.source === "photo") return text("results", this.#language);
    const number = this.#selected;
    return number === null ? text("last_30_s", this.#language) : text("last_30_s_of", this.#language, { number });
  }
}
