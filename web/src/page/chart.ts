import { element, setText } from "./elements";
import { colourOf } from "./emotions";
import { type Language, labelText } from "./texts";
import { type Moment, WINDOW_S } from "./timeline";

const SVG = "http://www.w3.org/2000/svg";
/** Thinner than this a moment is not drawn, in seconds. */
const THINNEST_S = 0.2;

/** Probabilities over time: a row for each label, as high as its probability. */
export class Chart {
  #rows: { label: string; name: HTMLElement; path: SVGPathElement }[] = [];

  constructor(private readonly root: HTMLElement) {}

  setLabels(labels: readonly string[]): void {
    this.#rows = labels.map((label) => {
      const name = element("span");
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("fill", colourOf(label));
      const area = document.createElementNS(SVG, "svg");
      // One unit is a second across, and all the probability upwards: the page stretches it.
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

/** The outline of one label's probability, down to the row's foot. */
function area(stretch: readonly Moment[], nowS: number, label: number): string {
  const points = stretch.map(({ timeS, probabilities }) => [timeS - nowS, 1 - probabilities[label]]);
  const [startS, endS] = [points[0][0], Math.max(points[points.length - 1][0], points[0][0] + THINNEST_S)];
  const top = points.map(([x, y]) => `L${x.toFixed(2)} ${y.toFixed(3)}`).join("");
  return `M${startS.toFixed(2)} 1${top}L${endS.toFixed(2)} 1Z`;
}
