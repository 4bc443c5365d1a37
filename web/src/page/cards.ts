import type { Face } from "../reader/faces";
import { Card, type CardEvents } from "./card";
import { numberOf } from "./emotions";
import type { Style } from "./overlay";

/** A card stays this long after its face was last seen, because the detector misses a face now and then. */
const LINGER_MS = 500;

/** A card for each face. */
export class Cards {
  #cards = new Map<number, Card>();

  /** @param list the element that holds the cards. */
  constructor(
    private readonly list: HTMLElement,
    private readonly events: CardEvents,
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
    isChoice: boolean,
    selected: number | null,
    style: Style,
  ): void {
    const nowMs = performance.now();
    const numbered = faces.map((face) => ({ face, number: numberOf(face, faces) }));
    // A new face is usually a lost face with a new number, so the old card is removed at once.
    const lingerMs = numbered.every(({ number }) => this.#cards.has(number)) ? LINGER_MS : 0;
    for (const { face, number } of numbered.sort((a, b) => a.number - b.number)) {
      let card = this.#cards.get(number);
      if (!card) {
        card = new Card(style.labels, number, face.evidence !== null, this.events);
        card.draw(image, face);
        this.#cards.set(number, card);
        this.list.append(card.root);
      }
      card.shownMs = nowMs;
      card.show(face, image, isChoice, number === selected, style);
    }
    for (const [number, card] of this.#cards) if (nowMs - card.shownMs > lingerMs) this.#remove(number, card);
  }

  get isEmpty(): boolean {
    return this.#cards.size === 0;
  }

  /** Scroll the page until the card of a face is visible. */
  scrollTo(number: number): void {
    this.#cards.get(number)?.root.scrollIntoView({ block: "nearest" });
  }

  clear(): void {
    for (const [number, card] of this.#cards) this.#remove(number, card);
  }

  #remove(number: number, card: Card): void {
    card.root.remove();
    this.#cards.delete(number);
  }
}
