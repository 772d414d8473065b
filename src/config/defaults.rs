//! What a key counts as when nobody sets it. `config.example.toml` shows the same values, and a
//! test compares the two.

pub(super) const LISTEN: &str = "127.0.0.1:8080";
pub(super) const TRUSTED_PROXIES: [&str; 1] = ["127.0.0.1"];
pub(super) const TIME_ZONE: &str = "Asia/Shanghai";
pub(super) const LITESTREAM: &str = "off";
pub(super) const DATABASE_URL: &str = "sqlite:data/qiao.db";
pub(super) const BACKUP_FOLDER: &str = "backups";
pub(super) const BACKUP_KEEP: i64 = 7;

/// What was said is kept until somebody decides otherwise.
pub(super) const KEEP_MESSAGES: i64 = 0;
/// Where somebody was is of use to them for a while, and to nobody for long.
pub(super) const KEEP_LOCATIONS: i64 = 90;
pub(super) const KEEP_INBOX: i64 = 90;
pub(super) const KEEP_ATTEMPTS: i64 = 90;
pub(super) const KEEP_FINDINGS: i64 = 90;
pub(super) const KEEP_JOB_RUNS: i64 = 90;

pub(super) const ACCESS_TOKEN: &str = "stable_token";
pub(super) const API_URL: &str = "https://api.weixin.qq.com";
pub(super) const OAUTH_URL: &str = "https://open.weixin.qq.com";
pub(super) const JSSDK_URL: &str = "https://res.wx.qq.com/open/js/jweixin-1.6.0.js";
pub(super) const LOCATION_EVENTS: &str = "60 min";
/// Of everything in China that says nothing else; what LOCATION events carry is not documented (docs/MAP.md).
pub(super) const COORDINATES: &str = "gcj02";
pub(super) const ON_UNFOLLOW: &str = "keep";
pub(super) const EXISTING_FOLLOWERS: &str = "on_contact";
/// A night in which more than a thousand followers changed unnoticed is a fault of something else.
pub(super) const MAX_REPAIRS: i64 = 1000;
pub(super) const SESSION_HOURS: i64 = 24;
pub(super) const SCOPE: &str = "snsapi_base";
pub(super) const UNCERTAIN_SEND: &str = "hold";

pub(super) const KEEP_MENU: &str = "off";

pub(super) const INTO_C4C: &str = "off";
/// WeChat (c4c.md 4.2).
pub(super) const CHANNEL_CODE: &str = "008";
pub(super) const IDLE_MINUTES: i64 = 30;
pub(super) const MAX_HOURS: i64 = 24;
pub(super) const MAX_MESSAGES: i64 = 1000;
pub(super) const OUTSIDE_WINDOW: &str = "template";
pub(super) const DELIVERY_NOTES: &str = "off";
pub(super) const REPLY_FILES: &str = "on";
pub(super) const TYPING: &str = "off";
/// By SAP's convention a reply to the customer (c4c.md 4.3).
pub(super) const REPLY_NOTE: &str = "10007";
/// The agent who works on a ticket (c4c.md 4.3).
pub(super) const AGENT_FIELD: &str = "ProcessorPartyID";
pub(super) const TICKET: [(&str, &str); 2] = [
    ("ProcessingTypeCode", "SRRQ"),
    ("BuyerPartyID", "{customer_id}"),
];

pub(super) const WELCOME: &str = "欢迎关注！有任何问题，直接在这里留言即可。";
pub(super) const CUSTOMER_CREATED: &str =
    "您的客户编号是 {customer_id}，与我们联系时报上它，处理更快。";
pub(super) const CUSTOMER_CHANGED: &str =
    "温馨提醒：您的资料已更新（{changes}）。如非您本人要求，请直接回复本消息。";
pub(super) const CUSTOMER_CHANGED_UNKNOWN: &str =
    "温馨提醒：您的资料已更新。如非您本人要求，请直接回复本消息。";
pub(super) const NO_HISTORY: &str = "暂无聊天记录。";
pub(super) const HISTORY_DELETED: &str =
    "您在这里的聊天记录已删除。客户系统（SAP C4C）中留存的副本不受影响。";
pub(super) const NEAREST_BRANCH: &str = "离您最近：{name}（{distance}）";
pub(super) const BRANCHES: &str = "我们的门店";
pub(super) const FILE_NAMED: &str =
    "客服给您发来文件“{name}”，微信中无法直接发送。如需获取，请回复本消息。";

pub(super) const NOT_BOUND: &str =
    "暂时无法确认您的客户编号，请直接在这里留言，我们会尽快为您核实。";
pub(super) const BIND_EXPIRED: &str = "该二维码已过期，请向我们的工作人员索取新的二维码。";
pub(super) const BIND_USED: &str =
    "该二维码已被使用，本次扫码未做任何绑定。如有疑问，请直接回复本消息。";
pub(super) const BIND_UNCLEAR: &str =
    "您的微信已对应另一位客户，本次扫码未做更改。我们的同事会尽快核实。";
pub(super) const BIND_FAILED: &str =
    "未找到该二维码对应的客户，本次扫码未做任何绑定。如有疑问，请直接回复本消息。";

pub(super) const SERVICE: &str = "/sap/c4c/odata/v1/c4codataapi";
pub(super) const CSRF: &str = "auto";
/// Half of what one tenant bears over all its interfaces (c4c.md 1.11), so others have room.
pub(super) const MAX_CALLS: i64 = 4;
pub(super) const POLL_ANSWERS: &str = "off";
pub(super) const CUSTOMER: [(&str, &str); 3] = [
    ("FirstName", "Wechat"),
    ("LastName", "{openid}"),
    ("RoleCode", "CRM000"),
];
pub(super) const LOOKUP: [&str; 2] = ["wechat_id", "LastName"];
pub(super) const WATCH: [&str; 4] = ["FirstName", "LastName", "Email", "Mobile"];
pub(super) const WECHAT_ID_SERVICE: &str = "/sap/c4c/odata/cust/v1/zindividualcustomer";
pub(super) const WECHAT_ID_SET: &str = "CustomerCommonCollection";
pub(super) const WECHAT_ID_PARENT: &str = "ParentObjectID";
pub(super) const WECHAT_ID_FIELD: &str = "WechatID";
