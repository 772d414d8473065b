//! Who the simulated account is, and the knobs for what the reference leaves open.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::crypto::Cipher;
use super::download::MEDIA_GET;
pub use super::windows::Grants;

/// How pushes and replies travel (`wechat.md` 1.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Plain XML both ways.
    #[default]
    Plain,
    /// Pushes hold plain fields and `Encrypt`; replies may be either.
    Compatible,
    /// Pushes hold only `ToUserName` and `Encrypt`; replies must be encrypted.
    Safe,
}

/// Settings of the simulator; every one can be changed while it runs.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, and all combinations mean something"
)]
pub struct Settings {
    /// AppID.
    pub app_id: String,
    /// AppSecret.
    pub app_secret: String,
    /// The account's original id, `ToUserName` of every push.
    pub original_id: String,
    /// Where pushes go; empty for nowhere (they are recorded and lost).
    pub push_url: String,
    /// Token of the signatures.
    pub token: String,
    /// EncodingAESKey, 43 characters; needed for every mode but [`Mode::Plain`].
    pub encoding_aes_key: Option<String>,
    /// How pushes and replies travel.
    pub mode: Mode,

    /// How send windows of different acts go together.
    pub grants: Grants,
    /// Deliveries of one push in total.
    pub attempts: u32,
    /// From the start of one delivery to the start of the next, milliseconds.
    pub attempt_spacing_ms: u64,
    /// How long a push may take to be answered, milliseconds of real time.
    pub push_deadline_ms: u64,
    /// Retries carry a new timestamp, nonce and signature instead of the first ones.
    pub fresh_nonce_on_retry: bool,
    /// How long `client_msg_id` keeps a template from being sent twice, seconds.
    pub client_msg_id_seconds: u64,
    /// From a template send to its TEMPLATESENDJOBFINISH, milliseconds.
    pub template_result_ms: u64,
    /// `Status` of that event for a follower who does not block the account.
    pub template_status: String,
    /// Template ids that exist; empty for any.
    pub templates: Vec<String>,

    /// Addresses that may fetch tokens; empty for any. The caller's is the first of
    /// `x-forwarded-for`, else 127.0.0.1.
    pub ip_allow_list: Vec<String>,
    /// `package_loss` of each ping of callback/check, one for each network that it tries from.
    pub callback_losses: Vec<String>,
    /// The account has the right to send (else 48001).
    pub may_send: bool,
    /// Largest picture of media/upload, bytes: the reference leaves 2 MB or 10 MB open.
    pub image_limit: usize,
    /// `Content-Type` of every answer that has to do with a download, whatever it holds; `None`
    /// for the right one.
    pub media_content_type: Option<String>,
    /// Where the links to videos point: this base, or when it is empty the `Host` of the call.
    pub download_url: String,
    /// Largest text of a message, bytes of UTF-8.
    pub text_limit: usize,
    /// OpenIDs on a page of user/get.
    pub page_size: usize,
    /// AppID of the account from which this one took its followers over; empty for none. It can be
    /// asked for their new OpenIDs then (`wechat.md` 5).
    pub migrated_from: String,
    /// AppIDs of mini-programs that are linked to the account, which buttons may open; empty for any.
    pub mini_programs: Vec<String>,
    /// menu/get calls the tag of a conditional menu `group_id` and writes numbers, as older pages of the
    /// documentation do; else `tag_id` and texts.
    pub menu_tag_is_group: bool,
    /// The domain of web authorization that the console has (网页授权域名); empty for none. The port
    /// of an address plays no part.
    pub oauth_domain: String,
    /// Pages that ask for `snsapi_userinfo` open in snapshot mode, for a virtual person.
    pub snapshot_pages: bool,
    /// Followers have UnionIDs.
    pub unionids: bool,
    /// user/info holds a raw control character, as names did.
    pub control_char_in_user_info: bool,
    /// `Content-Type` of API answers.
    pub content_type: String,
    /// JS safe domains (JS接口安全域名); empty for any.
    pub jssdk_domains: Vec<String>,
    /// Where phones are, degrees north and east, as maps in China show it; `None`: the person does not tell.
    pub position_gcj02: Option<[f64; 2]>,
    /// The same place as satellites see it.
    pub position_wgs84: Option<[f64; 2]>,
    /// Life of an access token, seconds.
    pub token_seconds: u32,
    /// Permanent QR codes that the account may have.
    pub permanent_qr_codes: usize,
    /// Calls a Beijing day by path, where they differ from the usual ones.
    pub daily_limits: BTreeMap<String, u32>,
    /// Calls a minute by path, where they differ from the usual ones.
    pub minute_limits: BTreeMap<String, u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            app_id: "wx0123456789abcdef".to_owned(),
            app_secret: "simsecret".to_owned(),
            original_id: "gh_0123456789ab".to_owned(),
            push_url: String::new(),
            token: "simtoken".to_owned(),
            encoding_aes_key: None,
            mode: Mode::Plain,
            grants: Grants::Merge,
            attempts: 3,
            attempt_spacing_ms: 5_000,
            push_deadline_ms: 5_000,
            fresh_nonce_on_retry: false,
            client_msg_id_seconds: 600,
            template_result_ms: 1_000,
            template_status: "success".to_owned(),
            templates: Vec::new(),
            ip_allow_list: Vec::new(),
            callback_losses: vec!["0%".to_owned(); 3],
            may_send: true,
            image_limit: 10 << 20,
            media_content_type: None,
            download_url: String::new(),
            text_limit: 2_048,
            page_size: 10_000,
            migrated_from: String::new(),
            mini_programs: Vec::new(),
            menu_tag_is_group: false,
            oauth_domain: "127.0.0.1".to_owned(),
            snapshot_pages: false,
            unionids: false,
            control_char_in_user_info: false,
            content_type: "application/json; encoding=utf-8".to_owned(),
            jssdk_domains: Vec::new(),
            // Tianfu Square in Chengdu.
            position_gcj02: Some([30.654_998, 104.068_348]),
            position_wgs84: Some([30.657_420, 104.065_840]),
            token_seconds: 7_200,
            permanent_qr_codes: 100_000,
            daily_limits: BTreeMap::new(),
            minute_limits: BTreeMap::new(),
        }
    }
}

impl Settings {
    pub(super) fn cipher(&self) -> Option<Cipher> {
        Cipher::new(self.encoding_aes_key.as_deref()?, &self.app_id)
    }

    /// `Content-Type` of JSON on a path.
    pub(super) fn content_type_of(&self, path: &str) -> &str {
        let forced = self.media_content_type.as_ref();
        let forced = forced.filter(|_| path == MEDIA_GET);
        forced.unwrap_or(&self.content_type)
    }

    pub(super) fn spacing(&self) -> Duration {
        Duration::from_millis(self.attempt_spacing_ms)
    }

    pub(super) fn deadline(&self) -> Duration {
        Duration::from_millis(self.push_deadline_ms)
    }

    /// These settings with the given keys replaced, or what is wrong with the keys.
    pub(super) fn overlaid(
        &self,
        keys: serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, String> {
        let mut all = serde_json::to_value(self).map_err(|e| e.to_string())?;
        let object = all.as_object_mut().expect("settings are an object");
        object.extend(keys);
        let settings: Self = serde_json::from_value(all).map_err(|e| e.to_string())?;
        if settings.mode != Mode::Plain && settings.cipher().is_none() {
            return Err("this mode needs an encoding_aes_key of 43 characters".to_owned());
        }
        Ok(settings)
    }
}
