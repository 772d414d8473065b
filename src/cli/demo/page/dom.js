// Making and keeping elements: the little that this page needs of a framework.

/** An element with attributes (`on…` are listeners, false and null are left out) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  set(element, attributes);
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === null || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : value);
  }
}

/** Fills `parent` with one element for each item. Those of before stay, so that only new ones come in moving; one is
 * made anew when what it shows has changed. */
export function keyed(parent, items, key, make) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    const shows = JSON.stringify(item);
    let element = old.get(name);
    if (!element || element.shows !== shows) {
      const fresh = make(item);
      fresh.dataset.key = name;
      fresh.shows = shows;
      if (element) {
        if (place === element) place = fresh;
        const focused = element.contains(document.activeElement);
        element.replaceWith(fresh);
        if (focused) (fresh.matches("button") ? fresh : fresh.querySelector("button"))?.focus();
      } else fresh.classList.add("fresh");
      element = fresh;
    }
    old.delete(name);
    if (place === element) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const gone of old.values()) gone.remove();
}

/** Writes a text where another stands; nothing happens when it is the same. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
