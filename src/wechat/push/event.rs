//! The kinds of events (wechat.md 2.4). [`super::event_xml`] reads them.

use std::fmt;

use crate::domain::ids::OpenId;

/// Something that happened. Events that Qiao has no use for stay [`Event::Other`].
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// `subscribe`: somebody follows.
    Subscribe(Option<Scene>),
    /// `unsubscribe`: no reply is possible.
    Unsubscribe,
    /// `SCAN`: a follower scanned a parametric QR code.
    Scan(Scene),
    /// `LOCATION`: where a follower is; may come every few seconds.
    Location {
        /// Decimal degrees, as text.
        latitude: String,
        /// Decimal degrees, as text.
        longitude: String,
        /// Metres, as text.
        precision: String,
    },
    /// `CLICK`: a menu button.
    Click {
        /// The button's key.
        key: String,
    },
    /// `VIEW`: a menu button that opens a page.
    View(Opened),
    /// `view_miniprogram`: a menu button that opens a mini-program's page.
    ViewMiniProgram(Opened),
    /// `scancode_push` and `scancode_waitmsg`: a menu button that scans.
    ScanCode {
        /// The button's key.
        key: String,
        /// `qrcode` or `barcode`.
        scan_type: String,
        /// What was read.
        result: String,
    },
    /// `pic_sysphoto`, `pic_photo_or_album`, `pic_weixin`: pictures follow as messages.
    Pictures {
        /// The button's key.
        key: String,
        /// MD5 of each picture, in hex.
        md5: Vec<String>,
    },
    /// `location_select`: a location message follows.
    LocationSelect {
        /// The button's key.
        key: String,
        /// Decimal degrees, as text.
        latitude: String,
        /// Decimal degrees, as text.
        longitude: String,
        /// Address.
        label: String,
        /// Name of the place.
        place: String,
    },
    /// `TEMPLATESENDJOBFINISH`: what became of a template message.
    TemplateSent {
        /// The `msgid` that template/send answered.
        msg_id: Option<i64>,
        /// What became of it.
        outcome: TemplateOutcome,
    },
    /// `MASSSENDJOBFINISH`: what became of a mass message.
    MassSent(MassSent),
    /// `FREEPUBLISHJOBFINISH`: what became of a publication.
    Published {
        /// `publish_id`
        id: String,
        /// `publish_status`: 0 is success.
        status: Option<i64>,
        /// `article_id`, on success.
        article_id: Option<String>,
        /// URLs of the articles, in order.
        urls: Vec<String>,
        /// Numbers of the articles that failed, from 1.
        failed: Vec<i64>,
    },
    /// `kf_create_session`: an agent of WeChat's own desk took the follower over.
    AgentJoined {
        /// `KfAccount`
        agent: String,
    },
    /// `kf_close_session`: the agent is done.
    AgentLeft {
        /// `KfAccount`
        agent: String,
    },
    /// `kf_switch_session`: one agent handed over to another.
    AgentSwitched {
        /// `FromKfAccount`
        from: String,
        /// `ToKfAccount`
        to: String,
    },
    /// `subscribe_msg_popup_event` and `subscribe_msg_change_event`: answers to requests for
    /// subscription notifications.
    Consents(Vec<Consent>),
    /// `subscribe_msg_sent_event`: what became of subscription notifications.
    NotificationsSent(Vec<NotificationSent>),
    /// `user_info_modified`, `user_authorization_revoke`, `user_authorization_cancellation`: sent by
    /// the platform, not by the follower.
    Privacy {
        /// What the platform says.
        notice: PrivacyNotice,
        /// `OpenID`: whom it is about.
        openid: Option<OpenId>,
        /// `AppID`
        app_id: String,
        /// `RevokeInfo`: numbers of what was revoked; 201 address … 207 media.
        revoked: String,
    },
    /// `user_enter_tempsession`: a mini-program's service chat was opened.
    SessionEntered {
        /// `SessionFrom`
        from: String,
    },
    /// `qualification_verify_…`, `naming_verify_…`, `annual_renew`, `verify_expired`: the account's
    /// own certification.
    Certification {
        /// The event's name, which says what happened.
        name: String,
        /// `ExpiredTime` or `FailTime`, Unix seconds.
        time: Option<i64>,
        /// `FailReason`, when it failed.
        reason: Option<String>,
    },
    /// Any other.
    Other {
        /// Its name in lower case.
        name: String,
    },
}

/// A parametric QR code that was scanned.
#[derive(Clone, PartialEq, Eq)]
pub struct Scene {
    /// The value it was made with, without `qrscene_`.
    pub value: String,
    /// The code's ticket.
    pub ticket: Option<String>,
}

/// A menu button that opened something.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// URL or page path.
    pub target: String,
    /// Which menu.
    pub menu_id: Option<String>,
}

/// What became of a template message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateOutcome {
    /// `success`
    Delivered,
    /// `failed:user block`
    Blocked,
    /// `failed: system failed`
    SystemFailed,
    /// Words that are not documented.
    Other(String),
}

/// What became of a mass message.
#[derive(Clone, PartialEq, Eq)]
pub struct MassSent {
    /// The id that the send answered.
    pub msg_id: Option<i64>,
    /// `send success`, `send fail` or `err(number)`.
    pub status: String,
    /// Followers it was for.
    pub total: i64,
    /// Followers left after filters.
    pub filtered: i64,
    /// Followers it reached.
    pub sent: i64,
    /// Followers it did not reach.
    pub failed: i64,
    /// `CopyrightCheckResult`: number of the article and `AuditState` for each one checked.
    pub copyright: Vec<(i64, i64)>,
    /// `ArticleUrlResult`: URLs of the articles, in order.
    pub urls: Vec<String>,
}

/// A follower's answer to a request for subscription notifications.
#[derive(Clone, PartialEq, Eq)]
pub struct Consent {
    /// `TemplateId`
    pub template_id: String,
    /// `accept` rather than `reject`.
    pub accepted: bool,
    /// `PopupScene`: 1 a page, 2 an article.
    pub scene: Option<i64>,
}

/// What became of one subscription notification.
#[derive(Clone, PartialEq, Eq)]
pub struct NotificationSent {
    /// `TemplateId`
    pub template_id: String,
    /// `MsgID`
    pub msg_id: Option<i64>,
    /// `ErrorCode`: 0 is success.
    pub error_code: i64,
    /// `ErrorStatus`, in words.
    pub error_status: String,
}

/// What the platform says about a person's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivacyNotice {
    /// The platform cleaned the profile.
    Modified,
    /// The person revoked what they had allowed: delete it.
    Revoked,
    /// The person closed their WeChat account.
    Closed,
}

impl fmt::Debug for Event {
    /// Nothing of where somebody is or what they tapped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event(…)")
    }
}
