/** How what the server told is said to people. Each is called on the controller. */
sap.ui.define([
  "sap/ui/core/format/DateFormat"
], (DateFormat) => {
  "use strict";

  const moments = DateFormat.getDateTimeInstance({ format: "yMdHm" });

  const format = {
    moment: (text) => text ? moments.format(new Date(text)) : "",

    value: (text) => text || "–",

    /** `fields` are named as in C4C; those that we know have a name for people. */
    field(name) {
      const key = `field.${name}`;
      return this.words().hasText(key) ? this.say(key) : name;
    },

    customerId(id) {
      return id ? this.say("customerId", [id]) : "";
    },

    ticket(id) {
      return this.say("ticket", [id]);
    },

    ticketTimes(opened, last) {
      return this.say("ticketTimes", [format.moment(opened), format.moment(last)]);
    },

    ticketState(state) {
      return this.say(state === "open" ? "open" : "ended");
    },

    sender(direction) {
      return this.say(direction === "in" ? "you" : "we");
    },

    /** What is no text, such as a picture, is only named. */
    message(kind, text) {
      const key = `kind.${kind}`;
      return text || (this.words().hasText(key) ? this.say(key) : this.say("kind.other"));
    },

    pending(state) {
      return this.say(`mobile.${state}`);
    },

    pendingType: (state) => ({ waiting: "Information", held: "Warning", failed: "Error" })[state]
  };

  return format;
});
