import { Chart } from "./chart";
import { byId, setText } from "./elements";
import type { Answer } from "./reader";
import { Speed } from "./speed";
import type { Frame } from "./table";
import { type Language, text } from "./texts";
import { Timeline } from "./timeline";

/** The chart and the speed are drawn less often than the boxes, because nobody can follow 30 updates per second. */
const CHART_INTERVAL_S = 0.1;
const SPEED_INTERVAL_S = 0.5;

/** What was seen since the camera was started, its chart, and its speed. */
export class Stream {
  /** Number of the face in the chart; null for the largest face. */
  selected: number | null = null;
  readonly #chart = new Chart(byId("chart"));
  readonly #timeline = new Timeline();
  #speed = new Speed();
  #chartS = 0;
  #speedS = 0;

  setLabels(labels: readonly string[]): void {
    this.#chart.setLabels(labels);
  }

  /** Start anew. */
  forget(): void {
    this.selected = null;
    this.#speed = new Speed();
    this.#timeline.forget();
  }

  /** All frames that are kept; see {@link Timeline.frames}. */
  get frames(): Frame[] {
    return this.#timeline.frames;
  }

  /**
   * Add the next frame's answer, and draw the chart if it is due.
   *
   * @returns the speed, if it is due.
   */
  add(answer: Answer, timeS: number, language: Language): { frames: number; ms: number } | null {
    // An hour of evidence would need more than 100 MB.
    this.#timeline.add(
      timeS,
      answer.faces.map((face) => ({ ...face, evidence: null })),
    );
    this.#speed.count(timeS * 1000, answer.timings.totalMs);
    if (timeS - this.#chartS >= CHART_INTERVAL_S) {
      this.#chartS = timeS;
      this.draw(language);
    }
    if (timeS - this.#speedS < SPEED_INTERVAL_S) return null;
    this.#speedS = timeS;
    return { frames: Number(this.#speed.framesPerS.toPrecision(2)), ms: Math.round(this.#speed.typicalMs) };
  }

  draw(language: Language): void {
    const nowS = performance.now() / 1000;
    let stretches = this.#timeline.recent(nowS, this.selected);
    if (this.selected !== null && !stretches.length) {
      this.selected = null; // The face left 30 seconds ago.
      stretches = this.#timeline.recent(nowS, null);
    }
    const number = this.selected;
    const title = number === null ? text("last_30_s", language) : text("last_30_s_of", language, { number });
    setText(byId("chart-title"), title);
    this.#chart.show(stretches, nowS, language);
  }
}
