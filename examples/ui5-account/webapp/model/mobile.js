/** Mobile numbers as people type them. The server looks again; this only spares people a round trip. */
sap.ui.define([], () => {
  "use strict";

  // E.164 has at most 15 digits; nobody has fewer than 7.
  const LEAST_DIGITS = 7;
  const MOST_DIGITS = 15;

  return {
    looksRight(text) {
      const digits = text.replace(/\D/g, "").length;
      return /^\+?[\d\s()-]+$/.test(text.trim()) && digits >= LEAST_DIGITS && digits <= MOST_DIGITS;
    },

    /** The number with its country, as the server wants it: 11 digits that begin with 1 are one of mainland China. */
    whole(text) {
      const [, ...parts] = text.replace(/[\s()-]/g, "").match(/^(1\d{2})(\d{4})(\d{4})$/) ?? [];
      return parts.length > 0 ? `+86 ${parts.join(" ")}` : text.trim();
    }
  };
});
