//! The calls about menus (wechat.md 7) and the names of tags (wechat.md 5). What the menus say is none of
//! this room's business: bodies and answers pass through as they are.

use serde_json::{Value, json};

use super::client::{AccessToken, Client};
use super::codes::Sense;
use super::error::{Call, Error};
use super::json;

impl Client {
    /// `menu/get`: the default and all conditional menus that were made by the API; `None` when there are
    /// none.
    pub async fn menu(&self, token: &AccessToken) -> Result<Option<Value>, Error> {
        match self.asked(Call::MenuGet, "/cgi-bin/menu/get", token).await {
            Err(error) if error.sense() == Some(Sense::NoMenu) => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// `get_current_selfmenu_info`: the default menu, whoever made it.
    pub async fn current_menu(&self, token: &AccessToken) -> Result<Value, Error> {
        let path = "/cgi-bin/get_current_selfmenu_info";
        self.asked(Call::MenuGet, path, token).await
    }

    /// `menu/create`: replaces the default menu.
    pub async fn create_menu(&self, token: &AccessToken, body: &Value) -> Result<(), Error> {
        self.told("/cgi-bin/menu/create", token, body).await
    }

    /// `menu/addconditional`.
    pub async fn add_conditional(&self, token: &AccessToken, body: &Value) -> Result<(), Error> {
        self.told("/cgi-bin/menu/addconditional", token, body).await
    }

    /// `menu/delconditional`.
    pub async fn delete_conditional(&self, token: &AccessToken, id: i64) -> Result<(), Error> {
        let body = json!({ "menuid": id.to_string() });
        self.told("/cgi-bin/menu/delconditional", token, &body)
            .await
    }

    /// `menu/delete`: the default menu and all conditional ones.
    pub async fn delete_menu(&self, token: &AccessToken) -> Result<(), Error> {
        let deleted = self.asked(Call::MenuChange, "/cgi-bin/menu/delete", token);
        deleted.await.map(drop)
    }

    /// `tags/get`: every tag's number and name.
    pub async fn tags(&self, token: &AccessToken) -> Result<Vec<(i64, String)>, Error> {
        let answer = self.asked(Call::Tags, "/cgi-bin/tags/get", token).await?;
        let tags = json::list(&answer, "tags");
        Ok(tags
            .filter_map(|tag| json::number(tag, "id").zip(json::text(tag, "name")))
            .collect())
    }

    async fn asked(&self, call: Call, path: &str, token: &AccessToken) -> Result<Value, Error> {
        let request = self.get(path, &[("access_token", token.expose())]);
        self.call(call, request).await
    }

    async fn told(&self, path: &str, token: &AccessToken, body: &Value) -> Result<(), Error> {
        let request = self.post(path, &[("access_token", token.expose())], body);
        self.call(Call::MenuChange, request).await.map(drop)
    }
}
