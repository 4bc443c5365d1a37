import type { Face } from "../protocol";
import { colourOf } from "./colours";
import { element, setText } from "./elements";
import { squareAround } from "./geometry";
import { percent } from "./overlay";
import { type Language, labelText, text } from "./texts";
import { indexOfHighest } from "./timeline";

/** Side of the small picture beside a face's bars, in the canvas's pixels; shown at half of it. */
const THUMBNAIL_SIDE = 144;

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
   */
  show(
    faces: readonly Face[],
    picture: CanvasImageSource,
    labels: readonly string[],
    selected: number | null,
    language: Language,
  ): void {
    for (const [id, card] of this.#cards) {
      if (!faces.some((face) => face.id === id)) {
        card.root.remove();
        this.#cards.delete(id);
      }
    }
    for (const face of faces.toSorted((a, b) => a.id - b.id)) {
      let card = this.#cards.get(face.id);
      if (!card) {
        card = new Card(labels, () => this.onSelect(face.id));
        card.draw(picture, face);
        this.#cards.set(face.id, card);
        this.list.append(card.root);
      }
      card.show(face, face.id === selected, faces.length > 1, language);
    }
  }

  clear(): void {
    for (const card of this.#cards.values()) card.root.remove();
    this.#cards.clear();
  }
}

class Card {
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

  show(face: Face, isSelected: boolean, isChoice: boolean, language: Language): void {
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
