/** The app: one view, one model of what the server told. Start at model/Account.js. */
sap.ui.define([
  "sap/base/i18n/Localization",
  "sap/ui/core/UIComponent",
  "./model/Account"
], (Localization, UIComponent, Account) => {
  "use strict";

  return UIComponent.extend("qiao.account.Component", {
    metadata: {
      manifest: "json",
      interfaces: ["sap.ui.core.IAsyncContentCreation"]
    },

    init() {
      UIComponent.prototype.init.call(this);
      document.documentElement.lang = Localization.getLanguageTag().toString();
      this.account = new Account();
      this.setModel(this.account.model);
      this.account.load();
    },

    exit() {
      this.account.leave();
    }
  });
});
