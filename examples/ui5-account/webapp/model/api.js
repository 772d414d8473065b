/** The JSON API of the daemon. It acts for whoever holds the session's cookie; the page holds no token. */
sap.ui.define([], () => {
  "use strict";

  // The app lies at /app/NAME/, its data at /app/api/.
  const ROOT = new URL("../api/", document.baseURI);

  // A phone that has lost its network must not wait for ever.
  const PATIENCE_MS = 15000;

  /** What went wrong: the server's own sentence, if it had one, and where to log in, if that would help. */
  class Refused extends Error {
    constructor(status, told) {
      super(`refused with ${status}`);
      this.told = told?.error ?? "";
      this.ended = status === 401;
      this.login = told?.login;
    }
  }

  async function ask(url, options) {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await fetch(url, { credentials: "same-origin", signal, ...options });
    const told = await answer.json().catch(() => undefined);
    if (!answer.ok) {
      throw new Refused(answer.status, told);
    }
    return told;
  }

  function post(url, body) {
    return ask(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body)
    });
  }

  return {
    me: () => ask(new URL("me", ROOT)),

    /** Newest first; `before` is the `next` of the page before. */
    history(before) {
      const url = new URL("me/history", ROOT);
      if (before) {
        url.searchParams.set("before", before);
      }
      return ask(url);
    },

    changeMobile: (mobile) => post(new URL("me/mobile", ROOT), { mobile }),

    logout: (account) => post(new URL(`/oauth/wechat/${encodeURIComponent(account)}/logout`, document.baseURI), {})
  };
});
