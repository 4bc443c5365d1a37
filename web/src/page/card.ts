import type { Face } from "../reader/faces";
import { element, setText } from "./elements";
import { colourOf, indexOfHighest } from "./emotions";
import { drawCrop, drawEvidence } from "./evidence";
import { squareAround } from "./geometry";
import type { Style } from "./overlay";
import { labelText, percent, text } from "./texts";
import { whyUnsure } from "./trust";

/** Side of a thumbnail in canvas pixels; it is shown at half this size. */
const THUMBNAIL_SIDE = 144;
/** Side of the crop with the evidence over it, in canvas pixels; it is shown at half this size. */
const EVIDENCE_SIDE = 240;

/** What a card calls, with the number of its face. */
export interface CardEvents {
  /** The face's timeline should be shown. */
  onSelect(number: number): void;
  /** The face should be emphasised in the image; null if no face should be. */
  onHighlight(number: number | null): void;
  /** The evidence should be shown, for another class, or no longer. */
  onEvidence(): void;
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
  readonly #evidence: EvidenceView | null;
  /** Index of the class whose evidence is shown; null for the most probable one. */
  #explained: number | null = null;
  readonly #bars: { row: HTMLElement; name: HTMLElement; fill: HTMLElement; value: HTMLElement }[];

  constructor(
    labels: readonly string[],
    private readonly number: number,
    hasEvidence: boolean,
    private readonly events: CardEvents,
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
    this.#bars = labels.map((label, i) => {
      const item = element("li");
      const row = element(hasEvidence ? "button" : "div", "bar");
      if (row instanceof HTMLButtonElement) {
        row.type = "button";
        row.onclick = () => this.#explain(i);
      }
      const [name, track, value] = [element("span"), element("span", "track"), element("span", "value")];
      const fill = element("i");
      fill.style.background = colourOf(label);
      track.append(fill);
      row.append(name, track, value);
      item.append(row);
      list.append(item);
      return { row, name, fill, value };
    });
    const inside = element("div", "inside");
    inside.append(this.#thumbnail, head, list);
    this.#evidence = hasEvidence ? new EvidenceView(inside, () => this.#explain(null)) : null;
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
   * @param image the image with the face.
   * @param isChoice whether the face can be selected.
   * @param isSelected whether it is.
   */
  show(face: Face, image: CanvasImageSource, isChoice: boolean, isSelected: boolean, style: Style): void {
    const { labels, language, highlighted } = style;
    const best = indexOfHighest(face.probabilities);
    const emotion = labelText(labels[best], language);
    const explained = this.#explained ?? best;
    const confidence = percent(face.probabilities[best]);
    const why = whyUnsure(face);
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
      if (!this.#evidence) return;
      row.ariaPressed = String(this.#evidence.isShown && i === explained);
      row.title = text("show_evidence_for", language, { emotion: labelText(labels[i], language) });
    });
    this.#evidence?.show(face, explained, image, style);
  }

  /** Show the evidence for a class; null for the most probable one. */
  #explain(label: number | null): void {
    this.#explained = label;
    if (label !== null && this.#evidence) this.#evidence.isShown = true;
    this.events.onEvidence();
  }
}

/** The switch at the foot of a card, and the evidence that it shows: the crop with colours over it. */
class EvidenceView {
  readonly #switch = element("input");
  readonly #name = element("span");
  readonly #figure = element("figure", "evidence");
  readonly #canvas = element("canvas");
  readonly #caption = element("figcaption");

  constructor(card: HTMLElement, onSwitch: () => void) {
    this.#switch.type = "checkbox";
    this.#switch.onchange = onSwitch;
    const label = element("label", "switch show-evidence");
    label.append(this.#switch, this.#name);
    this.#canvas.width = this.#canvas.height = EVIDENCE_SIDE;
    this.#figure.append(this.#canvas, this.#caption);
    card.append(label, this.#figure);
  }

  get isShown(): boolean {
    return this.#switch.checked;
  }

  set isShown(isShown: boolean) {
    this.#switch.checked = isShown;
  }

  /** @param label index of the class. */
  show(face: Face, label: number, image: CanvasImageSource, { framing, labels, language }: Style): void {
    setText(this.#name, text("show_evidence", language));
    this.#figure.hidden = !this.isShown;
    if (!this.isShown || !face.evidence) return;
    setText(this.#caption, text("evidence", language, { emotion: labelText(labels[label], language) }));
    const pen = this.#canvas.getContext("2d") as CanvasRenderingContext2D;
    pen.fillRect(0, 0, EVIDENCE_SIDE, EVIDENCE_SIDE);
    pen.filter = "grayscale(1)"; // The network sees no colours, and the evidence has its own.
    drawCrop(pen, image, face, framing, EVIDENCE_SIDE);
    pen.filter = "none";
    drawEvidence(pen, face.evidence, label, EVIDENCE_SIDE);
  }
}
