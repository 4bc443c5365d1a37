/** The page's element with this id; `index.html` and the code are one program. */
export function byId<E extends HTMLElement>(id: string): E {
  return document.getElementById(id) as E;
}

export function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = ""): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), { className });
}

/** Most frames change few texts; setting one that stays would lay the page out again. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
