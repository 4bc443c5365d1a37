/** Return the element of `index.html` that has this id. */
export function byId<E extends HTMLElement>(id: string): E {
  return document.getElementById(id) as E;
}

export function element<K extends keyof HTMLElementTagNameMap>(tag: K, className = ""): HTMLElementTagNameMap[K] {
  return Object.assign(document.createElement(tag), { className });
}

/** Set an element's text if it differs. Setting the same text would cause a layout at every frame. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
