import { element } from "./elements";

/** Save a file in the browser's folder for downloads. */
export function save(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  Object.assign(element("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // Safari reads it some time after the click.
}
