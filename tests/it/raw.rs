//! Requests made by hand: what the simulated WeChat would never send.

use qiao_sim::wechat::Settings;
use qiao_sim::wechat::crypto::{Cipher, signature};

use crate::world::{KEY, World};

const TIMESTAMP: &str = "1795420800";
const NONCE: &str = "1372623149";

/// A text message as WeChat writes it, before encryption.
pub fn text_push(openid: &str, msg_id: u64, text: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>\
         <FromUserName><![CDATA[{openid}]]></FromUserName><CreateTime>{TIMESTAMP}</CreateTime>\
         <MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content>\
         <MsgId>{msg_id}</MsgId></xml>"
    )
}

/// A query that is signed with `token`, for a body whose `<Encrypt>` is `sealed`.
pub fn signed(token: &str, sealed: Option<&str>) -> String {
    let plain = signature(&[token, TIMESTAMP, NONCE]);
    let query = format!("signature={plain}&timestamp={TIMESTAMP}&nonce={NONCE}");
    match sealed {
        None => query,
        Some(sealed) => {
            let over = signature(&[token, TIMESTAMP, NONCE, sealed]);
            format!("{query}&encrypt_type=aes&msg_signature={over}")
        }
    }
}

/// Encrypts for an account, as safe mode does.
pub fn seal(key: &str, app_id: &str, xml: &str) -> String {
    Cipher::new(key, app_id).unwrap().seal(xml, [7; 16])
}

/// The body of safe mode.
pub fn envelope(sealed: &str) -> String {
    format!("<xml><ToUserName>gh</ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>")
}

/// Status and body of an answer.
pub type Answered = (u16, String);

impl World {
    /// Posts to `/wechat/main`.
    pub async fn push_raw(&self, query: &str, body: impl Into<reqwest::Body>) -> Answered {
        let url = format!("{}/wechat/main?{query}", self.url());
        answered(client().post(url).body(body)).await
    }

    /// Posts a push that is encrypted and signed as it should be, whatever it says.
    pub async fn post_sealed(&self, xml: &str) -> Answered {
        let settings = Settings::default();
        let sealed = seal(KEY, &settings.app_id, xml);
        let query = signed(&settings.token, Some(&sealed));
        self.push_raw(&query, envelope(&sealed)).await
    }

    /// Gets a path of the daemon.
    pub async fn get(&self, path: &str) -> Answered {
        answered(client().get(format!("{}{path}", self.url()))).await
    }
}

pub async fn answered(request: reqwest::RequestBuilder) -> Answered {
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

pub fn client() -> reqwest::Client {
    // Fails only when a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
