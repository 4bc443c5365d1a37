import { cameraFault, Fault } from "./faults";

/** The requested resolution in pixels, as in `camera.py`. */
const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" };

/**
 * Show the visitor's camera in a video element.
 *
 * @param until closes the camera when aborted.
 * @param onGone called when the camera is disconnected.
 * @throws Fault no camera is found, or the browser cannot access it.
 */
export async function openCamera(video: HTMLVideoElement, until: AbortSignal, onGone: () => void): Promise<void> {
  if (!navigator.mediaDevices) throw new Fault("camera_insecure", "navigator.mediaDevices is undefined; use HTTPS");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: CAMERA });
    const close = (): void => {
      for (const track of stream.getTracks()) track.stop();
      if (video.srcObject === stream) video.srcObject = null;
    };
    if (until.aborted) return close();
    until.addEventListener("abort", close);
    stream.getVideoTracks()[0].onended = onGone; // stop() does not fire this event.
    video.srcObject = stream;
    await video.play();
  } catch (error) {
    throw cameraFault(error);
  }
}

/** The frames of a video. Frames that arrive during processing are skipped, and a hidden tab has no frames. */
export class Frames {
  #isNew = false;
  #wake = (): void => {};

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly until: AbortSignal,
  ) {
    until.addEventListener("abort", () => this.#wake());
    this.#listen();
  }

  /** Wait for a new frame. Return false once the signal is aborted. */
  async next(): Promise<boolean> {
    while (!this.#isNew && !this.until.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#isNew = false;
    return !this.until.aborted;
  }

  #listen(): void {
    const shown = (): void => {
      if (this.until.aborted) return;
      this.#isNew = this.video.videoWidth > 0;
      this.#wake();
      this.#listen();
    };
    // Firefox has no requestVideoFrameCallback before version 132.
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(shown);
    else requestAnimationFrame(shown);
  }
}
