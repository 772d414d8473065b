/**
 * What the app knows: `phase` says which page is shown (loading, ready, ended, failed), `me` is the server's
 * answer, `messages` are as many of the conversation as were asked for, newest first.
 */
sap.ui.define([
  "sap/ui/model/json/JSONModel",
  "./api"
], (JSONModel, api) => {
  "use strict";

  // A change reaches C4C within seconds, unless C4C is away: then people look again themselves.
  const LOOK_AGAIN_MS = 2000;
  const LOOKS = 60;

  return class Account {
    constructor() {
      this.model = new JSONModel({
        phase: "loading", fault: "", login: "", me: null, fields: [],
        messages: [], older: null, loadingOlder: false, changed: false
      });
    }

    set(values) {
      this.model.setData(values, true);
    }

    /** Asks for everything. */
    async load() {
      this.set({ phase: "loading", changed: false });
      await this.guarded(async () => {
        await this.lookAtAll();
        this.set({ phase: "ready" });
      });
    }

    /** Asks again while the old is shown. */
    async refresh() {
      await this.guarded(() => this.lookAtAll());
    }

    /** What is new goes before what is known, unless there may be something between both. */
    async lookAtAll() {
      const [, newest] = await Promise.all([this.look(), api.history()]);
      const known = this.model.getProperty("/messages");
      const first = newest.messages.findIndex(({ id }) => id === known[0]?.id);
      if (first >= 0) {
        this.model.setProperty("/messages", [...newest.messages.slice(0, first), ...known]);
      } else {
        this.model.setProperty("/messages", newest.messages);
        this.set({ older: newest.next });
      }
    }

    /** Adds the next page of the conversation. */
    async loadOlder() {
      this.set({ loadingOlder: true });
      await this.guarded(async () => {
        const history = await api.history(this.model.getProperty("/older"));
        const messages = this.model.getProperty("/messages");
        this.model.setProperty("/messages", [...messages, ...history.messages]);
        this.set({ older: history.next });
      });
      this.set({ loadingOlder: false });
    }

    /** Hands the new number over; throws the server's sentence when it does not take it. */
    async changeMobile(mobile) {
      this.set({ changed: false });
      try {
        await api.changeMobile(mobile);
      } catch (fault) {
        if (!fault.ended) {
          throw fault;
        }
        this.tell(fault);
        return;
      }
      await this.guarded(() => this.look());
    }

    async logout() {
      await this.guarded(async () => {
        await api.logout(this.model.getProperty("/me/account"));
        await this.look();
      });
    }

    /** The app is closed: nothing more is asked. */
    leave() {
      clearTimeout(this.timer);
    }

    async look(looks = LOOKS) {
      const me = await api.me();
      const waited = this.waits();
      const fields = Object.entries(me.customer?.fields ?? {}).map(([name, value]) => ({ name, value }));
      this.model.setProperty("/me", me);
      this.model.setProperty("/fields", fields);
      if (waited && me.pending.length === 0) {
        this.set({ changed: true });
      }
      this.lookLater(looks);
    }

    /** A look that fails says nothing: the next one may not. */
    lookLater(looks) {
      this.leave();
      if (!this.waits() || looks === 0) {
        return;
      }
      this.timer = setTimeout(() => this.look(looks - 1).catch((fault) => {
        if (fault.ended) {
          this.tell(fault);
        } else {
          this.lookLater(looks - 1);
        }
      }), LOOK_AGAIN_MS);
    }

    /** Whether something is on its way that will be done without people. */
    waits() {
      return (this.model.getProperty("/me/pending") ?? []).some(({ state }) => state === "waiting");
    }

    async guarded(act) {
      try {
        await act();
      } catch (fault) {
        this.tell(fault);
      }
    }

    tell(fault) {
      this.leave();
      this.set(fault.ended
        ? { phase: "ended", login: this.loginUrl(fault.login) }
        : { phase: "failed", fault: fault.told ?? "" });
    }

    /** Where WeChat tells who is looking, and the way back to this page. */
    loginUrl(login) {
      const url = new URL(login ?? document.baseURI, document.baseURI);
      if (login && !url.searchParams.has("to")) {
        url.searchParams.set("to", location.pathname);
      }
      return url.pathname + url.search;
    }
  };
});
