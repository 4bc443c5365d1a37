/** The page's controls. */

import { App } from "./app";
import { byId, element, setText } from "./elements";
import { type Language, languageOf, type TextKey, text } from "./texts";

/** Pages that embed this one, such as the Gradio demo, have their own title. */
if (new URLSearchParams(location.search).has("embedded")) document.body.classList.add("embedded");

let language = languageOf(navigator.language);
const app = new App(new URL("models/", document.baseURI).href, language);

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
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => {
  event.preventDefault();
  showFirst(event.dataTransfer?.files);
};
document.onpaste = (event) => showFirst(event.clipboardData?.files);
document.onkeydown = (event) => {
  if (event.key === "Escape" && app.source !== "none") close();
};

function close(): void {
  app.close();
  byId("camera").focus(); // The focused button is hidden now.
}

function showFirst(files: FileList | null | undefined): void {
  if (files?.length) app.showPhoto(files[0]);
}

byId("save-csv").onclick = () => {
  const address = URL.createObjectURL(new Blob([app.toCsv()], { type: "text/csv" }));
  Object.assign(element("a"), { href: address, download: "expressions.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // Safari reads it some time after the click.
};

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
