// The way to the demo's process: acts go there, and what changes comes from there.

/** Does something there. Gives what it said, or null when it could not be done; then `told` says why. */
export async function act(name, body = {}) {
  let error = "unreachable";
  try {
    const answer = await fetch(`/demo/act/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const told = await answer.json();
    if (answer.ok) {
      document.dispatchEvent(new CustomEvent("acted", { detail: { name, body } }));
      return told;
    }
    error = told.error;
  } catch {
    // Nobody answered, or not in JSON.
  }
  document.dispatchEvent(new CustomEvent("refused", { detail: error }));
  return null;
}

/** Listens; `heard` gets each part with its name, `line` whether the line stands. */
export function listen(parts, heard, line) {
  const source = new EventSource("/demo/live");
  for (const name of parts) {
    source.addEventListener(name, (event) => heard(name, JSON.parse(event.data)));
  }
  source.addEventListener("open", () => line(true));
  source.addEventListener("error", () => line(false));
}
