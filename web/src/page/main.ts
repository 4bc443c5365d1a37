/** The page's controls. */

import { App } from "./app";
import { byId, element, setText } from "./elements";
import { type Language, languageOf, type TextKey, text } from "./texts";

/** Inside another page, such as the Gradio demo, whose own title stands above. */
if (new URLSearchParams(location.search).has("embedded")) document.body.classList.add("embedded");

let language = languageOf(navigator.language);
const app = new App(new URL("models/", document.baseURI).href, language);

function speak(wanted: Language): void {
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
  byId<HTMLImageElement>("photo").alt = text("faces_alt", language);
  app.setLanguage(language);
}
speak(language);

byId("language").onclick = () => speak(language === "en" ? "zh" : "en");
byId("camera").onclick = () => (app.source === "camera" ? app.close() : app.showCamera());
byId("close-photo").onclick = close;

const mirror = byId<HTMLInputElement>("mirror");
mirror.onchange = () => app.setMirrored(mirror.checked);
app.setMirrored(mirror.checked);

const photoFile = byId<HTMLInputElement>("photo-file");
photoFile.onchange = () => {
  readFirst(photoFile.files);
  photoFile.value = ""; // The same file can be chosen again.
};
document.ondragover = (event) => event.preventDefault();
document.ondrop = (event) => {
  event.preventDefault();
  readFirst(event.dataTransfer?.files);
};
document.onpaste = (event) => readFirst(event.clipboardData?.files);
document.onkeydown = (event) => {
  if (event.key === "Escape" && app.source !== "none") close();
};

function close(): void {
  app.close();
  byId("camera").focus(); // What had the focus may be gone.
}

function readFirst(files: FileList | null | undefined): void {
  if (files?.length) app.showPhoto(files[0]);
}

byId("save-csv").onclick = () => {
  const address = URL.createObjectURL(new Blob([app.toCsv()], { type: "text/csv" }));
  Object.assign(element("a"), { href: address, download: "expressions.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // Safari asks for it some time after the click.
};

/** Once all is there, the service worker keeps it for the next time. */
async function keepForNextTime(): Promise<void> {
  if (import.meta.env.DEV || !("serviceWorker" in navigator)) return;
  await navigator.serviceWorker.register(new URL("service-worker.js", document.baseURI));
  await navigator.serviceWorker.ready;
  app.sayKept();
}
app.loaded.then(
  () => keepForNextTime().catch(console.warn),
  () => {}, // The page has said so.
);
