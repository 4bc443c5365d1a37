/** The page's controls. */

import { App } from "./app";
import { byId, setText } from "./elements";
import { checkTarget } from "./posting";
import { save } from "./save";
import { type Language, languageOf, type TextKey, text } from "./texts";

const options = new URLSearchParams(location.search);
/** Pages that embed this one, such as the Gradio demo, have their own title. */
if (options.has("embedded")) document.body.classList.add("embedded");

/** The origin of the page around this one, if that page wants the results. */
const post = options.get("post");
const target = post === null ? null : checkTarget(post, window.parent !== window, location.ancestorOrigins?.[0]);
const { origin, fault } = { origin: undefined, fault: undefined, ...target };
if (origin) byId("private-promise").dataset.text = "private_posting" satisfies TextKey;
if (fault) {
  byId("posting").className = "wrong";
  console.warn(text(fault, "en", { value: post ?? "" }));
}

let language = languageOf(navigator.language);
const app = new App(
  new URL("models/", document.baseURI).href,
  language,
  origin ? (message) => window.parent.postMessage(message, origin) : null,
);

function setLanguage(wanted: Language): void {
  language = wanted;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = text("title", language);
  for (const node of document.querySelectorAll<HTMLElement>("[data-text]")) {
    setText(node, text(node.dataset.text as TextKey, language));
  }
  for (const node of document.querySelectorAll<HTMLElement>("[data-label]")) {
    node.ariaLabel = text(node.dataset.label as TextKey, language);
  }
  for (const node of document.querySelectorAll<HTMLElement>("[data-title]")) {
    node.title = text(node.dataset.title as TextKey, language);
  }
  byId<HTMLImageElement>("photo").alt = text("photo_alt", language);
  byId<HTMLImageElement>("example").alt = text("example_alt", language);
  if (origin) setText(byId("posting"), text("posting", language, { origin }));
  if (fault) setText(byId("posting"), text(fault, language, { value: post ?? "" }));
  app.setLanguage(language);
}
setLanguage(language);

byId("language").onclick = () => setLanguage(language === "en" ? "zh" : "en");
byId("camera").onclick = () => (app.source === "camera" ? app.close() : app.showCamera());
byId("close-photo").onclick = close;

const mirror = byId<HTMLInputElement>("mirror");
mirror.onchange = () => app.setMirrored(mirror.checked);
app.setMirrored(mirror.checked);

const photoFile = byId<HTMLInputElement>("photo-file");
photoFile.onchange = () => {
  showFirst(photoFile.files);
  photoFile.value = ""; // Otherwise, the same file could not be chosen again.
};
document.ondragover = (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
};
document.ondragleave = (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dragging"); // The pointer left the window.
};
document.ondrop = (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  showFirst(event.dataTransfer?.files);
};
document.onpaste = (event) => showFirst(event.clipboardData?.files);
document.onkeydown = (event) => {
  if (event.key === "Escape" && app.source !== "example") close();
};

function close(): void {
  app.close();
  byId("camera").focus(); // The focused button is hidden now.
}

function showFirst(files: FileList | null | undefined): void {
  if (files?.length) app.showPhoto(files[0]);
}

byId("save-image").onclick = async () => save(await app.toImage(), "expressions.jpg");
byId("save-csv").onclick = () => save(new Blob([app.toCsv()], { type: "text/csv" }), "expressions.csv");
byId("save-json").onclick = () => save(new Blob([app.toJson()], { type: "application/json" }), "expressions.json");

/** Install the service worker, which caches the page for use offline. */
async function installServiceWorker(): Promise<void> {
  if (import.meta.env.DEV || !("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register(new URL("service-worker.js", document.baseURI));
  await navigator.serviceWorker.ready;
  app.setOffline();
}
app.loaded.then(
  () => installServiceWorker().catch(console.warn),
  () => {}, // The page shows the fault.
);
