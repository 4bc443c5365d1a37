import type { Face } from "../reader/faces";
import { byId } from "./elements";
import { numberOf } from "./emotions";
import { contain, onScreen, type Placement, type Size } from "./geometry";
import { annotatedImage, drawOver, type Style } from "./overlay";

export type Source = "example" | "camera" | "photo";

/** The example, the camera or a photo, and the boxes over it. */
export class Viewer {
  readonly video = byId<HTMLVideoElement>("video");
  readonly photo = byId<HTMLImageElement>("photo");
  readonly example = byId<HTMLImageElement>("example");
  readonly #stage = byId("stage");
  readonly #boxes = byId<HTMLCanvasElement>("boxes");
  #source: Source = "example";
  #faces: readonly Face[] = [];

  /**
   * @param onResize called when the size changes and the boxes must be redrawn.
   * @param onPoint called with the number of the face under the pointer, or null.
   * @param onChoose called with the number of the face that was clicked.
   */
  constructor(onResize: () => void, onPoint: (number: number | null) => void, onChoose: (number: number) => void) {
    new ResizeObserver(onResize).observe(this.#boxes);
    const setAspectRatio = (): void => {
      const { width, height } = this.size;
      if (width && height) this.#stage.style.aspectRatio = `${width} / ${height}`;
    };
    this.video.onresize = setAspectRatio;
    this.photo.onload = setAspectRatio;
    this.#stage.onpointermove = (event) => onPoint(this.#faceAt(event));
    this.#stage.onpointerleave = () => onPoint(null);
    this.#stage.onclick = (event) => {
      const number = this.#faceAt(event);
      if (number !== null) onChoose(number);
    };
  }

  get source(): Source {
    return this.#source;
  }

  set source(source: Source) {
    this.#source = source;
    document.body.dataset.source = source;
    this.#stage.style.aspectRatio = "";
  }

  get image(): HTMLVideoElement | HTMLImageElement {
    return { example: this.example, camera: this.video, photo: this.photo }[this.#source];
  }

  /** Size of the image, in its own pixels. */
  get size(): Size {
    const { image } = this;
    return image instanceof HTMLVideoElement
      ? { width: image.videoWidth, height: image.videoHeight }
      : { width: image.naturalWidth, height: image.naturalHeight };
  }

  /** Show an image file until the signal is aborted. */
  async showPhoto(file: Blob, until: AbortSignal): Promise<void> {
    const address = URL.createObjectURL(file);
    until.addEventListener("abort", () => {
      this.photo.removeAttribute("src");
      URL.revokeObjectURL(address);
    });
    this.photo.src = address;
    await this.photo.decode();
  }

  /** Scroll the page until the image is visible. */
  scrollIntoView(): void {
    this.#stage.scrollIntoView({ block: "nearest" });
  }

  /** Whether the camera view is flipped horizontally. A photo is never flipped. */
  set isMirrored(isMirrored: boolean) {
    this.video.classList.toggle("mirrored", isMirrored);
  }

  /** Draw the boxes of these faces instead of the previous boxes. */
  draw(faces: readonly Face[], style: Style): void {
    this.#faces = faces;
    drawOver(this.#boxes, faces, this.#placement, style);
  }

  /** Return the image with these faces, in its own resolution, as JPEG. */
  annotated(faces: readonly Face[], style: Style): Promise<Blob> {
    return annotatedImage(this.image, this.size, faces, { ...style, highlighted: null });
  }

  get #placement(): Placement {
    const frame = { width: this.#boxes.clientWidth, height: this.#boxes.clientHeight };
    return contain(this.size, frame, this.image.classList.contains("mirrored"));
  }

  /** Return the number of the smallest face under the pointer, or null. */
  #faceAt({ clientX, clientY }: MouseEvent): number | null {
    const { left, top } = this.#boxes.getBoundingClientRect();
    const [x, y] = [clientX - left, clientY - top];
    const placement = this.#placement;
    let found: { face: Face; area: number } | null = null;
    for (const face of this.#faces) {
      const box = onScreen(face.box, placement);
      const isInside = x >= box.left && x < box.left + box.width && y >= box.top && y < box.top + box.height;
      const area = box.width * box.height;
      if (isInside && (!found || area < found.area)) found = { face, area };
    }
    return found && numberOf(found.face, this.#faces);
  }
}
