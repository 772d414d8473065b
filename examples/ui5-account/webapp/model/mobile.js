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
    }
  };
});
