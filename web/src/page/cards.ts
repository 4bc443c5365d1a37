import type { Face } from "../protocol";
import { element, setText } from "./elements";
import { colourOf, indexOfHighest } from "./emotions";
import { squareAround } from "./geometry";
import { type Language, labelText, percent, text } from "./texts";

/** Side of the small picture beside a face's bars, in the canvas's pixels; shown at half of it. */
const THUMBNAIL_SIDE = 144;
/** A card stays for so long after its face: a detector misses one now and then. */
const LINGER_MS = 500;

/** A card for each face: its expression, how sure the network is, and the probabilities of all labels. */
export class Cards {
  #cards = new Map<number, Card>();

  /**
   * @param list where the cards go.
   * @param onSelect called with the id of the face whose timeline is wanted.
   */
  constructor(
    private readonly list: HTMLElement,
    private readonly onSelect: (id: number) => void,
  ) {}

  /**
   * Show these faces, in the order of their ids, so that no card jumps when another face becomes the largest.
   *
   * @param picture that they were found in: a new face's small picture is cut from it.
   * @param isChoice whether a face can be selected.
   */
  show(
    faces: readonly Face[],
    picture: CanvasImageSource,
    labels: readonly string[],
    isChoice: boolean,
    selected: number | null,
    language: Language,
  ): void {
    const nowMs = performance.now();
    // A face that is new is most often one that was lost, under another number.
    const lingerMs = faces.every(({ id }) => this.#cards.has(id)) ? LINGER_MS : 0;
    for (const face of faces.toSorted((a, b) => a.id - b.id)) {
      let card = this.#cards.get(face.id);
      if (!card) {
        card = new Card(labels, () => this.onSelect(face.id));
        card.draw(picture, face);
        this.#cards.set(face.id, card);
        this.list.append(card.root);
      }
      card.shownMs = nowMs;
      card.show(face, isChoice, face.id === selected, language);
    }
    for (const [id, card] of this.#cards) if (nowMs - card.shownMs > lingerMs) this.#remove(id, card);
  }

  get isEmpty(): boolean {
    return this.#cards.size === 0;
  }

  clear(): void {
    for (const [id, card] of this.#cards) this.#remove(id, card);
  }

  #remove(id: number, card: Card): void {
    card.root.remove();
    this.#cards.delete(id);
  }
}

class Card {
  /** When its face was last seen. */
  shownMs = 0;
  readonly root = element("article", "face");
  readonly #thumbnail = element("canvas", "thumbnail");
  readonly #answer = element("span", "answer");
  readonly #select = element("button", "select");
  readonly #bars: { row: HTMLElement; name: HTMLElement; fill: HTMLElement; value: HTMLElement }[];

  constructor(
    private readonly labels: readonly string[],
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

  /** Cut the face's small picture; black where the square leaves the picture. */
  draw(picture: CanvasImageSource, face: Face): void {
    const pen = this.#thumbnail.getContext("2d") as CanvasRenderingContext2D;
    const { left, top, width, height } = squareAround(face.box);
    pen.fillRect(0, 0, THUMBNAIL_SIDE, THUMBNAIL_SIDE);
    pen.drawImage(picture, left, top, width, height, 0, 0, THUMBNAIL_SIDE, THUMBNAIL_SIDE);
  }

  show(face: Face, isChoice: boolean, isSelected: boolean, language: Language): void {
    const best = indexOfHighest(face.probabilities);
    setText(this.#answer, `${labelText(this.labels[best], language)} · ${percent(face.probabilities[best])}`);
    setText(this.#select, `${text("face", language)} ${face.id}`);
    this.#select.disabled = !isChoice;
    this.#select.ariaPressed = isChoice ? String(isSelected) : null;
    this.#select.title = isChoice ? text("show_face", language, { id: face.id }) : "";
    this.root.classList.toggle("selected", isChoice && isSelected);
    this.#bars.forEach(({ row, name, fill, value }, i) => {
      setText(name, labelText(this.labels[i], language));
      setText(value, percent(face.probabilities[i]));
      fill.style.width = `${face.probabilities[i] * 100}%`;
      row.classList.toggle("top", i === best);
    });
  }
}
