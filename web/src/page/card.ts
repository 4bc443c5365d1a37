import type { Face } from "../reader/faces";
import { element, setText } from "./elements";
import { colourOf, indexOfHighest } from "./emotions";
import { squareAround } from "./geometry";
import type { Style } from "./overlay";
import { labelText, percent, text } from "./texts";
import { whyUnsure } from "./trust";

/** Side of a thumbnail in canvas pixels; it is shown at half this size. */
const THUMBNAIL_SIDE = 144;

/** What a card calls, with the number of its face. */
export interface CardEvents {
  /** The face's timeline should be shown. */
  onSelect(number: number): void;
  /** The face should be emphasised in the image; null if no face should be. */
  onHighlight(number: number | null): void;
}

/** The card of one face: its expression, the confidence, and the probabilities of all labels. */
export class Card {
  /** When its face was last seen, in milliseconds. */
  shownMs = 0;
  readonly root = element("article", "face");
  readonly #thumbnail = element("canvas", "thumbnail");
  readonly #answer = element("span", "answer");
  readonly #guess = element("p", "guess");
  readonly #select = element("button", "select");
  readonly #bars: { row: HTMLElement; name: HTMLElement; fill: HTMLElement; value: HTMLElement }[];

  constructor(
    labels: readonly string[],
    private readonly number: number,
    events: CardEvents,
  ) {
    this.#thumbnail.width = this.#thumbnail.height = THUMBNAIL_SIDE;
    this.#select.type = "button";
    this.#select.onclick = () => events.onSelect(number);
    this.root.tabIndex = 0;
    this.root.onpointerenter = this.root.onfocus = () => events.onHighlight(number);
    this.root.onpointerleave = this.root.onblur = () => events.onHighlight(null);
    const heading = element("h2");
    heading.append(this.#answer, this.#select);
    const head = element("div", "head");
    head.append(heading, this.#guess);
    const list = element("ul", "bars");
    this.#bars = labels.map((label) => {
      const row = element("li", "bar");
      const [name, track, value] = [element("span"), element("span", "track"), element("span", "value")];
      const fill = element("i");
      fill.style.background = colourOf(label);
      track.append(fill);
      row.append(name, track, value);
      list.append(row);
      return { row, name, fill, value };
    });
    const inside = element("div", "inside");
    inside.append(this.#thumbnail, head, list);
    this.root.append(inside);
  }

  /** Draw the face's thumbnail; pixels outside the image are black. */
  draw(image: CanvasImageSource, face: Face): void {
    const pen = this.#thumbnail.getContext("2d") as CanvasRenderingContext2D;
    const { left, top, width, height } = squareAround(face.box);
    pen.fillRect(0, 0, THUMBNAIL_SIDE, THUMBNAIL_SIDE);
    pen.drawImage(image, left, top, width, height, 0, 0, THUMBNAIL_SIDE, THUMBNAIL_SIDE);
  }

  /**
   * @param isChoice whether the face can be selected.
   * @param isSelected whether it is.
   */
  show(face: Face, isChoice: boolean, isSelected: boolean, style: Style): void {
    const { labels, framing, language, highlighted } = style;
    const best = indexOfHighest(face.probabilities);
    const emotion = labelText(labels[best], language);
    const confidence = percent(face.probabilities[best]);
    const why = whyUnsure(face, framing);
    setText(this.#answer, why ? text("unsure", language) : `${emotion} · ${confidence}`);
    const guess = why && `${text(why, language)} · ${text("guess", language, { emotion, percent: confidence })}`;
    setText(this.#guess, guess ?? "");
    setText(this.#select, text("face", language, { number: this.number }));
    this.#select.disabled = !isChoice;
    this.#select.ariaPressed = isChoice ? String(isSelected) : null;
    this.#select.title = isChoice ? text("show_face", language, { number: this.number }) : "";
    this.root.classList.toggle("selected", isChoice && isSelected);
    this.root.classList.toggle("unsure", why !== null);
    this.root.classList.toggle("highlighted", highlighted === this.number);
    this.#bars.forEach(({ row, name, fill, value }, i) => {
      setText(name, labelText(labels[i], language));
      setText(value, percent(face.probabilities[i]));
      fill.style.width = `${face.probabilities[i] * 100}%`;
      row.classList.toggle("top", i === best);
    });
  }
}
