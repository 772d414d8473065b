sap.ui.define([
  "sap/ui/core/InvisibleMessage",
  "sap/ui/core/library",
  "sap/ui/core/mvc/Controller",
  "../model/format",
  "../model/mobile"
], (InvisibleMessage, coreLibrary, Controller, format, mobile) => {
  "use strict";

  return Controller.extend("qiao.account.controller.App", {
    format,

    /** The view's own words. */
    words() {
      return this.getOwnerComponent().getModel("i18n").getResourceBundle();
    },

    say(key, values) {
      return this.words().getText(key, values);
    },

    account() {
      return this.getOwnerComponent().account;
    },

    onAgain() {
      this.account().load();
    },

    /** Another tab may show what has happened since. */
    onTab() {
      this.account().refresh();
    },

    onOlder() {
      this.account().loadOlder();
    },

    onLogout() {
      this.account().logout();
    },

    async onChange() {
      this.dialog ??= this.loadFragment({ name: "qiao.account.view.Mobile" });
      const dialog = await this.dialog;
      this.byId("mobile").setValue("");
      this.onTyped();
      dialog.open();
    },

    onTyped() {
      this.byId("mobileFault").setVisible(false);
    },

    async onSend() {
      const dialog = this.byId("mobileDialog");
      const typed = this.byId("mobile").getValue();
      if (!mobile.looksRight(typed)) {
        this.wrong(this.say("mobile.wrong"));
        return;
      }
      dialog.setBusy(true);
      try {
        await this.account().changeMobile(mobile.whole(typed));
        dialog.close();
      } catch (fault) {
        this.wrong(fault.told || this.say("failedHint"));
      } finally {
        dialog.setBusy(false);
      }
    },

    /** Not by the field's own state: its text is read out by few screen readers. */
    wrong(sentence) {
      this.byId("mobileFault").setText(sentence).setVisible(true);
      InvisibleMessage.getInstance().announce(sentence, coreLibrary.InvisibleMessageMode.Assertive);
      this.byId("mobile").focus();
    },

    onCancel() {
      this.byId("mobileDialog").close();
    }
  });
});
