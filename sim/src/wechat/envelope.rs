//! The wire form of a push: body and query (`wechat.md` 1.4). Pure but for randomness.

use jiff::Timestamp;
use rand::Rng;
use serde_json::Value;
use url::Url;

use super::crypto::{Cipher, signature};
use super::ids;
use super::push::Tamper;
use super::settings::{Mode, Settings};
use super::xml;

/// The key of a forger: well-formed, and not the account's.
const FORGED_KEY: &str = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF";

/// The token of a forger.
const FORGED_TOKEN: &str = "not the account's token";

/// A push, sealed once: every delivery carries the same body.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    pub(super) body: Vec<u8>,
    /// Text of `<Encrypt>`.
    sealed: Option<String>,
    /// Nonce of the first delivery; the `echostr` of a verification.
    pub(super) nonce: String,
    pub(super) tamper: Option<Tamper>,
}

impl Envelope {
    /// Of a verification of the URL: a GET, so without a body.
    pub(super) fn of_verification(rng: &mut dyn Rng) -> Self {
        Self {
            body: Vec::new(),
            sealed: None,
            nonce: ids::nonce(rng),
            tamper: None,
        }
    }

    /// Of the fields of a push, in the account's mode.
    pub(super) fn seal(
        fields: &[(&str, Value)],
        tamper: Option<Tamper>,
        settings: &Settings,
        rng: &mut dyn Rng,
    ) -> Self {
        let plain = elements(fields);
        let key = match tamper {
            Some(Tamper::WrongKey) => Cipher::new(FORGED_KEY, &settings.app_id),
            _ => settings.cipher(),
        };
        let sealed = key.filter(|_| settings.mode != Mode::Plain).map(|cipher| {
            let mut random = [0; 16];
            rng.fill_bytes(&mut random);
            cipher.seal(&document(&plain), random)
        });
        let mut body = match settings.mode {
            Mode::Safe => elements(&[("ToUserName", Value::from(settings.original_id.as_str()))]),
            Mode::Plain | Mode::Compatible => plain,
        };
        if let Some(sealed) = &sealed {
            body += &xml::field("Encrypt", &Value::from(sealed.as_str()));
        }
        Self {
            body: document(&body).into_bytes(),
            sealed,
            nonce: ids::nonce(rng),
            tamper,
        }
    }

    /// A verification, not a push.
    pub(super) fn is_verification(&self) -> bool {
        self.body.is_empty()
    }

    /// The URL with the signed query; `None` if the settings hold no URL.
    pub(super) fn url(
        &self,
        settings: &Settings,
        openid: &str,
        at: Timestamp,
        nonce: &str,
    ) -> Option<String> {
        let mut url = Url::parse(&settings.push_url).ok()?;
        let timestamp = at.as_second().to_string();
        let token = match self.tamper {
            Some(Tamper::WrongSignature) => FORGED_TOKEN,
            _ => &settings.token,
        };
        let mut query = url.query_pairs_mut();
        query
            .append_pair("signature", &signature(&[token, &timestamp, nonce]))
            .append_pair("timestamp", &timestamp)
            .append_pair("nonce", nonce);
        if self.is_verification() {
            query.append_pair("echostr", &self.nonce);
        } else {
            query.append_pair("openid", openid);
        }
        if let Some(sealed) = &self.sealed {
            let signed = signature(&[token, &timestamp, nonce, sealed]);
            query
                .append_pair("encrypt_type", "aes")
                .append_pair("msg_signature", &signed);
        }
        drop(query);
        Some(url.into())
    }
}

/// The XML of a push before encryption.
pub(super) fn plain(fields: &[(&str, Value)]) -> String {
    document(&elements(fields))
}

fn elements(fields: &[(&str, Value)]) -> String {
    let fields = fields.iter();
    fields
        .map(|(name, value)| xml::field(name, value))
        .collect()
}

fn document(elements: &str) -> String {
    format!("<xml>{elements}</xml>")
}
