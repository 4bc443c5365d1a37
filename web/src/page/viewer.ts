import type { Face } from "../protocol";
import { byId } from "./elements";
import { contain, type Size } from "./geometry";
import { drawFaces } from "./overlay";
import type { Language } from "./texts";

export type Source = "none" | "camera" | "photo";

/** The picture, moving or not, and the boxes over it. */
export class Viewer {
  readonly video = byId<HTMLVideoElement>("video");
  readonly photo = byId<HTMLImageElement>("photo");
  readonly #stage = byId("stage");
  readonly #boxes = byId<HTMLCanvasElement>("boxes");
  #source: Source = "none";

  /** @param onResize called when the picture lies elsewhere, so that the boxes must be drawn again. */
  constructor(onResize: () => void) {
    new ResizeObserver(onResize).observe(this.#boxes);
    const takeShape = (): void => {
      const { width, height } = this.size;
      if (width && height) this.#stage.style.aspectRatio = `${width} / ${height}`;
    };
    this.video.onresize = takeShape;
    this.photo.onload = takeShape;
  }

  get source(): Source {
    return this.#source;
  }

  set source(source: Source) {
    this.#source = source;
    document.body.dataset.source = source;
    this.#stage.style.aspectRatio = "";
  }

  get picture(): HTMLVideoElement | HTMLImageElement {
    return this.#source === "camera" ? this.video : this.photo;
  }

  /** Of the picture, in its own pixels. */
  get size(): Size {
    return this.#source === "camera"
      ? { width: this.video.videoWidth, height: this.video.videoHeight }
      : { width: this.photo.naturalWidth, height: this.photo.naturalHeight };
  }

  /** Show a picture's file, until the signal. */
  async showPhoto(file: Blob, until: AbortSignal): Promise<void> {
    const address = URL.createObjectURL(file);
    until.addEventListener("abort", () => {
      this.photo.removeAttribute("src");
      URL.revokeObjectURL(address);
    });
    this.photo.src = address;
    await this.photo.decode();
  }

  /** Whether the camera's picture is shown as in a mirror; a photo never is. */
  set isMirrored(isMirrored: boolean) {
    this.video.classList.toggle("mirrored", isMirrored);
  }

  /** Draw the faces of the picture, and no others. */
  draw(faces: readonly Face[], labels: readonly string[], language: Language): void {
    const frame = { width: this.#boxes.clientWidth, height: this.#boxes.clientHeight };
    const isMirrored = this.picture.classList.contains("mirrored");
    drawFaces(this.#boxes, faces, contain(this.size, frame, isMirrored), labels, language);
  }
}
