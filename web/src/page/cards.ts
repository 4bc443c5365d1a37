import type { Face } from "../reader/faces";
import { element, setText } from "./elements";
import { colourOf, indexOfHighest, numberOf } from "./emotions";
import { squareAround } from "./geometry";
import { type Language, labelText, percent, text } from "./texts";

/** Side of a thumbnail in canvas pixels; it is shown at half this size. */
const THUMBNAIL_SIDE = 144;
/** A card stays this long after its face was last seen, because the detector misses a face now and then. */
const LINGER_MS = 500;

/** A card for each face: its expression, the confidence, and the probabilities of all labels. */
export class Cards {
  #cards = new Map<number, Card>();

  /**
   * @param list the element that holds the cards.
   * @param onSelect called with the number of the face whose timeline should be shown.
   */
  constructor(
    private readonly list: HTMLElement,
    private readonly onSelect: (number: number) => void,
  ) {}

  /**
   * Show these faces in the order of their numbers. In the order of their sizes, cards would jump.
   *
   * @param image the image with the faces; a new face's thumbnail is cut from it.
   * @param isChoice whether a face can be selected.
   * @param selected the number of the selected face.
   */
  show(
    faces: readonly Face[],
    image: CanvasImageSource,
    labels: readonly string[],
    isChoice: boolean,
    selected: number | null,
    language: Language,
  ): void {
    const nowMs = performance.now();
    const numbered = faces.map((face) => ({ face, number: numberOf(face, faces) }));
    // A new face is usually a lost face with a new number, so the old card is removed at once.
    const lingerMs = numbered.every(({ number }) => this.#cards.has(number)) ? LINGER_MS : 0;
    for (const { face, number } of numbered.sort((a, b) => a.number - b.number)) {
      let card = this.#cards.get(number);
      if (!card) {
        card = new Card(labels, number, () => this.onSelect(number));
        card.draw(image, face);
        this.#cards.set(number, card);
        this.list.append(card.root);
      }
      card.shownMs = nowMs;
      card.show(face, isChoice, number === selected, language);
    }
    for (const [number, card] of this.#cards) if (nowMs - card.shownMs > lingerMs) this.#remove(number, card);
  }

  get isEmpty(): boolean {
    return this.#cards.size === 0;
  }

  clear(): void {
    for (const [number, card] of this.#cards) this.#remove(number, card);
  }

  #remove(number: number, card: Card): void {
    card.root.remove();
    this.#cards.delete(number);
  }
}

class Card {
  /** When its face was last seen, in milliseconds. */
  shownMs = 0;
  readonly root = element("article", "face");
  readonly #thumbnail = element("canvas", "thumbnail");
  readonly #answer = element("span", "answer");
  readonly #select = element("button", "select");
  readonly #bars: { row: HTMLElement; name: HTMLElement; fill: HTMLElement; value: HTMLElement }[];

  constructor(
    private readonly labels: readonly string[],
    private readonly number: number,
    onSelect: () => void,
  ) {
    this.#thumbnail.width = this.#thumbnail.height = THUMBNAIL_SIDE;
    this.#select.type = "button";
    this.#select.onclick = onSelect;
    const heading = element("h2");
    heading.append(this.#answer, this.#select);
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
    const body = element("div");
    body.append(heading, list);
    this.root.append(this.#thumbnail, body);
  }

  /** Draw the face's thumbnail; pixels outside the image are black. */
  draw(image: CanvasImageSource, face: Face): void {
    const pen = this.#thumbnail.getContext("2d") as CanvasRenderingContext2D;
    const { left, top, width, height } = squareAround(face.box);
    pen.fillRect(0, 0, THUMBNAIL_SIDE, THUMBNAIL_SIDE);
    pen.drawImage(image, left, top, width, height, 0, 0, THUMBNAIL_SIDE, THUMBNAIL_SIDE);
  }

  show(face: Face, isChoice: boolean, isSelected: boolean, language: Language): void {
    const best = indexOfHighest(face.probabilities);
    setText(this.#answer, `${labelText(this.labels[best], language)} · ${percent(face.probabilities[best])}`);
    setText(this.#select, text("face", language, { number: this.number }));
    this.#select.disabled = !isChoice;
    this.#select.ariaPressed = isChoice ? String(isSelected) : null;
    this.#select.title = isChoice ? text("show_face", language, { number: this.number }) : "";
    this.root.classList.toggle("selected", isChoice && isSelected);
    this.#bars.forEach(({ row, name, fill, value }, i) => {
      setText(name, labelText(this.labels[i], language));
      setText(value, percent(face.probabilities[i]));
      fill.style.width = `${face.probabilities[i] * 100}%`;
      row.classList.toggle("top", i === best);
    });
  }
}
