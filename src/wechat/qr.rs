//! QR codes with a scene (wechat.md 7).

use jiff::SignedDuration;
use serde_json::json;

use super::client::{AccessToken, Client};
use super::error::{Call, Cause, Error};
use super::json as answer;
use crate::domain::qr::Scene;

/// A code that WeChat has made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedQr {
    /// Its name of the picture.
    pub ticket: String,
    /// What the picture says.
    pub url: String,
    /// How long it lives; `None`: for ever.
    pub lives: Option<SignedDuration>,
}

impl Client {
    /// Has a code made; without a lifetime it is permanent. To repeat it does no harm to a temporary one;
    /// whether a permanent one counts twice then is not known.
    pub async fn create_qr(
        &self,
        token: &AccessToken,
        scene: &Scene,
        lifetime: Option<SignedDuration>,
    ) -> Result<CreatedQr, Error> {
        let named = match scene {
            Scene::Text(text) => json!({ "scene_str": text }),
            Scene::Number(number) => json!({ "scene_id": number }),
        };
        let mut body = json!({
            "action_name": scene.action(lifetime),
            "action_info": { "scene": named },
        });
        if let Some(lifetime) = lifetime {
            body["expire_seconds"] = json!(lifetime.as_secs());
        }
        let request = self.post(
            "/cgi-bin/qrcode/create",
            &[("access_token", token.expose())],
            &body,
        );
        let told = self.call(Call::CreateQr, request).await?;
        let made = answer::text(&told, "ticket").zip(answer::text(&told, "url"));
        let lives = answer::number(&told, "expire_seconds").map(SignedDuration::from_secs);
        made.map(|(ticket, url)| CreatedQr {
            ticket,
            url,
            lives: lifetime.map(|asked| lives.map_or(asked, |lives| lives.min(asked))),
        })
        .ok_or(Error {
            call: Call::CreateQr,
            cause: Cause::Unreadable("without ticket and url"),
        })
    }
}
