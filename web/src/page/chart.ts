import { element, setText } from "./elements";
import { colourOf } from "./emotions";
import { type Language, labelText } from "./texts";
import { type Moment, WINDOW_S } from "./timeline";

const SVG = "http://www.w3.org/2000/svg";
/** Minimum width of a stretch in the chart, in seconds. */
const MIN_WIDTH_S = 0.2;

/** Probabilities over time: one row per label, filled to the height of its probability. */
export class Chart {
  #rows: { label: string; name: HTMLElement; path: SVGPathElement }[] = [];

  constructor(private readonly root: HTMLElement) {}

  setLabels(labels: readonly string[]): void {
    this.#rows = labels.map((label) => {
      const name = element("span");
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("fill", colourOf(label));
      const area = document.createElementNS(SVG, "svg");
      // One unit is one second horizontally and probability 1 vertically; CSS stretches both.
      area.setAttribute("viewBox", `${-WINDOW_S} 0 ${WINDOW_S} 1`);
      area.setAttribute("preserveAspectRatio", "none");
      area.append(path);
      this.root.append(name, area);
      return { label, name, path };
    });
  }

  show(stretches: readonly Moment[][], nowS: number, language: Language): void {
    this.#rows.forEach(({ label, name, path }, i) => {
      setText(name, labelText(label, language));
      path.setAttribute("d", stretches.map((stretch) => area(stretch, nowS, i)).join(""));
    });
  }
}

/** Return the SVG path of the area under one label's probability. */
function area(stretch: readonly Moment[], nowS: number, label: number): string {
  const points = stretch.map(({ timeS, probabilities }) => [timeS - nowS, 1 - probabilities[label]]);
  const [startS, endS] = [points[0][0], Math.max(points[points.length - 1][0], points[0][0] + MIN_WIDTH_S)];
  const top = points.map(([x, y]) => `L${x.toFixed(2)} ${y.toFixed(3)}`).join("");
  return `M${startS.toFixed(2)} 1${top}L${endS.toFixed(2)} 1Z`;
}
