import type { Face } from "../reader/faces";
import { byId } from "./elements";
import { contain, type Size } from "./geometry";
import { drawFaces } from "./overlay";
import type { Language } from "./texts";

export type Source = "none" | "camera" | "photo";

/** The camera or the photo, and the boxes over it. */
export class Viewer {
  readonly video = byId<HTMLVideoElement>("video");
  readonly photo = byId<HTMLImageElement>("photo");
  readonly #stage = byId("stage");
  readonly #boxes = byId<HTMLCanvasElement>("boxes");
  #source: Source = "none";

  /** @param onResize called when the size changes and the boxes must be redrawn. */
  constructor(onResize: () => void) {
    new ResizeObserver(onResize).observe(this.#boxes);
    const setAspectRatio = (): void => {
      const { width, height } = this.size;
      if (width && height) this.#stage.style.aspectRatio = `${width} / ${height}`;
    };
    this.video.onresize = setAspectRatio;
    this.photo.onload = setAspectRatio;
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
    return this.#source === "camera" ? this.video : this.photo;
  }

  /** Size of the image, in its own pixels. */
  get size(): Size {
    return this.#source === "camera"
      ? { width: this.video.videoWidth, height: this.video.videoHeight }
      : { width: this.photo.naturalWidth, height: this.photo.naturalHeight };
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

  /** Whether the camera view is flipped horizontally. A photo is never flipped. */
  set isMirrored(isMirrored: boolean) {
    this.video.classList.toggle("mirrored", isMirrored);
  }

  /** Draw the boxes of these faces instead of the previous boxes. */
  draw(faces: readonly Face[], labels: readonly string[], language: Language): void {
    const frame = { width: this.#boxes.clientWidth, height: this.#boxes.clientHeight };
    const isMirrored = this.image.classList.contains("mirrored");
    drawFaces(this.#boxes, faces, contain(this.size, frame, isMirrored), labels, language);
  }
}
