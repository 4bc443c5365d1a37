import type { Face } from "../protocol";
import { Announcer } from "./announcer";
import { Frames, openCamera } from "./camera";
import { Cards } from "./cards";
import { Chart } from "./chart";
import { byId, setText } from "./elements";
import { indexOfHighest } from "./emotions";
import { Fault } from "./faults";
import { type Answer, Reader } from "./reader";
import { Speed } from "./speed";
import { type Language, labelText, type TextKey, text } from "./texts";
import { Timeline } from "./timeline";
import { type Source, Viewer } from "./viewer";

/** The chart and the speed are drawn more seldom than the boxes: nobody reads them thirty times a second. */
const CHART_INTERVAL_S = 0.1;
const SPEED_INTERVAL_S = 0.5;

/** What is shown, and what was read in it. */
export class App {
  readonly #viewer = new Viewer(() => this.#drawBoxes());
  readonly #cards = new Cards(byId("cards"), (id) => this.#select(id));
  readonly #chart = new Chart(byId("chart"));
  readonly #timeline = new Timeline();
  readonly #reader: Reader;
  #language: Language;
  #announcer = new Announcer();
  #speed = new Speed();
  #labels: readonly string[] = [];
  #answer: Answer | null = null;
  /** Whose timeline is shown; null for the largest face's. */
  #selected: number | null = null;
  /** What is shown goes on until this is aborted. */
  #shown = new AbortController();
  /** What is said where nothing is shown. */
  #idle: TextKey = "loading";
  #status: { key: TextKey; values: Record<string, number> } = { key: "loading", values: {} };
  #fault: TextKey | null = null;
  #chartS = 0;
  #speedS = 0;

  /** @param models the address of the folder with the four networks. */
  constructor(models: string, language: Language) {
    this.#language = language;
    this.#reader = new Reader(models);
    this.#reader.loaded.then(
      ({ labels }) => {
        this.#labels = labels;
        this.#chart.setLabels(labels);
        this.#becomeIdle("ready");
      },
      (fault) => this.#fail(fault),
    );
  }

  /** When pictures can be read; never where they cannot. */
  get loaded(): Promise<unknown> {
    return this.#reader.loaded;
  }

  /** Everything is on this device now, for the next time. */
  sayKept(): void {
    this.#becomeIdle("ready_offline");
  }

  /** Read the camera's pictures, one after the other, until something else is shown. */
  async showCamera(): Promise<void> {
    const until = this.#begin("camera", "starting");
    await this.#attempt(until, async () => {
      const { video } = this.#viewer;
      await openCamera(video, until, () => this.#fail(new Fault("camera_gone", "the camera's track ended")));
      this.#reader.forget();
      const frames = new Frames(video, until);
      while (await frames.next()) {
        const timeS = performance.now() / 1000;
        const answer = await this.#reader.readFrame(await createImageBitmap(video), timeS);
        if (!until.aborted) this.#showFrame(answer, timeS);
      }
    });
  }

  /** Read one picture. */
  async showPhoto(file: Blob): Promise<void> {
    const until = this.#begin("photo", "reading");
    await this.#attempt(until, async () => {
      const picture = await createImageBitmap(file).catch((error) => {
        throw new Fault("bad_picture", String(error));
      });
      if (until.aborted) return picture.close();
      await this.#viewer.showPhoto(file, until);
      const answer = await this.#reader.readPhoto(picture);
      if (until.aborted) return;
      this.#answer = answer;
      this.#say("photo_speed", { ms: Math.round(answer.timings.totalMs) });
      setText(byId("announcement"), this.#heard(answer.faces));
      this.#draw();
    });
  }

  /** Show nothing any more. */
  close(): void {
    this.#begin("none", this.#idle);
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

  /** What was read since the camera was started. */
  toCsv(): string {
    return this.#timeline.toCsv(this.#labels);
  }

  #begin(source: Source, status: TextKey): AbortSignal {
    this.#shown.abort();
    this.#shown = new AbortController();
    this.#viewer.source = source;
    this.#answer = null;
    this.#selected = this.#fault = null;
    this.#speed = new Speed();
    this.#announcer = new Announcer();
    this.#timeline.forget();
    this.#cards.clear();
    setText(byId("message"), "");
    this.#say(status);
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
    this.#drawFaces(); // First, while nothing has changed that would have to be laid out before.
    this.#timeline.add(timeS, answer.faces);
    this.#speed.count(timeS * 1000, answer.timings.totalMs);
    if (timeS - this.#speedS >= SPEED_INTERVAL_S) {
      this.#speedS = timeS;
      const frames = Number(this.#speed.framesPerS.toPrecision(2));
      this.#say("speed", { frames, ms: Math.round(this.#speed.typicalMs) });
    }
    if (timeS - this.#chartS >= CHART_INTERVAL_S) {
      this.#chartS = timeS;
      this.#drawChart();
    }
    const words = this.#announcer.hear(this.#heard(answer.faces.slice(0, 1)), timeS);
    if (words) setText(byId("announcement"), words);
  }

  #select(id: number): void {
    this.#selected = this.#selected === id ? null : id;
    this.#draw();
  }

  #becomeIdle(idle: TextKey): void {
    const isIdle = this.#status.key === this.#idle;
    this.#idle = idle;
    if (isIdle) this.#say(idle);
  }

  #say(key: TextKey, values: Record<string, number> = {}): void {
    this.#status = { key, values };
    setText(byId("status"), text(key, this.#language, values));
  }

  /** The faces' expressions as a screen reader says them. */
  #heard(faces: readonly Face[]): string {
    const words = faces.map(({ id, probabilities }) => {
      const emotion = labelText(this.#labels[indexOfHighest(probabilities)], this.#language);
      return text("heard", this.#language, { id, emotion });
    });
    return words.join(", ") || text("heard_none", this.#language);
  }

  #draw(): void {
    this.#say(this.#status.key, this.#status.values);
    setText(byId("fault"), this.#fault ? text(this.#fault, this.#language) : "");
    this.#drawFaces();
    this.#drawChart();
  }

  #drawFaces(): void {
    this.#drawBoxes();
    if (!this.#answer) return;
    const { faces } = this.#answer;
    const isChoice = this.source === "camera" && faces.length > 1;
    this.#cards.show(faces, this.#viewer.picture, this.#labels, isChoice, this.#selected, this.#language);
    setText(byId("message"), this.#cards.isEmpty ? text("no_face", this.#language) : "");
  }

  #drawBoxes(): void {
    this.#viewer.draw(this.#answer?.faces ?? [], this.#labels, this.#language);
  }

  #drawChart(): void {
    const nowS = performance.now() / 1000;
    let stretches = this.#timeline.recent(nowS, this.#selected);
    if (this.#selected !== null && !stretches.length) {
      this.#selected = null; // It went away half a minute ago.
      stretches = this.#timeline.recent(nowS, null);
    }
    const id = this.#selected;
    const title = id === null ? text("last_30_s", this.#language) : text("last_30_s_of", this.#language, { id });
    setText(byId("chart-title"), title);
    this.#chart.show(stretches, nowS, this.#language);
  }
}
