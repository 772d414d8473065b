//! Reads the fields of each kind of event (wechat.md 2.4). Missing ones become empty.

use crate::domain::ids::OpenId;
use crate::wechat::xml::Element;

use super::event::{
    Consent, Event, MassSent, NotificationSent, Opened, PrivacyNotice, Scene, TemplateOutcome,
};

impl Event {
    /// Reads the fields of the event `name`, which is in lower case.
    pub(super) fn read(name: &str, root: &Element<'_>) -> Self {
        Self::from_follower(name, root)
            .or_else(|| Self::from_platform(name, root))
            .unwrap_or_else(|| Self::Other {
                name: name.to_owned(),
            })
    }

    fn from_follower(name: &str, root: &Element<'_>) -> Option<Self> {
        let key = || text(root, "EventKey");
        Some(match name {
            "subscribe" => Self::Subscribe(Scene::of_follow(root)),
            "unsubscribe" => Self::Unsubscribe,
            "scan" => Self::Scan(Scene::read(root, key())),
            "location" => Self::Location {
                latitude: text(root, "Latitude"),
                longitude: text(root, "Longitude"),
                precision: text(root, "Precision"),
            },
            "click" => Self::Click { key: key() },
            "view" => Self::View(Opened::read(root)),
            "view_miniprogram" => Self::ViewMiniProgram(Opened::read(root)),
            "scancode_push" | "scancode_waitmsg" => Self::ScanCode {
                key: key(),
                scan_type: inner(root, "ScanCodeInfo", "ScanType"),
                result: inner(root, "ScanCodeInfo", "ScanResult"),
            },
            "pic_sysphoto" | "pic_photo_or_album" | "pic_weixin" => Self::Pictures {
                key: key(),
                md5: items(root, &["SendPicsInfo", "PicList"], "item")
                    .map(|picture| text(picture, "PicMd5Sum"))
                    .collect(),
            },
            "location_select" => Self::LocationSelect {
                key: key(),
                latitude: inner(root, "SendLocationInfo", "Location_X"),
                longitude: inner(root, "SendLocationInfo", "Location_Y"),
                label: inner(root, "SendLocationInfo", "Label"),
                place: inner(root, "SendLocationInfo", "Poiname"),
            },
            "subscribe_msg_popup_event" => {
                Self::Consents(Consent::all(root, "SubscribeMsgPopupEvent"))
            }
            "subscribe_msg_change_event" => {
                Self::Consents(Consent::all(root, "SubscribeMsgChangeEvent"))
            }
            "user_enter_tempsession" => Self::SessionEntered {
                from: text(root, "SessionFrom"),
            },
            _ => return None,
        })
    }

    fn from_platform(name: &str, root: &Element<'_>) -> Option<Self> {
        Some(match name {
            "templatesendjobfinish" => Self::TemplateSent {
                msg_id: root.number("MsgID"),
                outcome: TemplateOutcome::read(root.text_of("Status")),
            },
            "masssendjobfinish" => Self::MassSent(MassSent::read(root)),
            "freepublishjobfinish" => read_published(root),
            "kf_create_session" => Self::AgentJoined {
                agent: text(root, "KfAccount"),
            },
            "kf_close_session" => Self::AgentLeft {
                agent: text(root, "KfAccount"),
            },
            "kf_switch_session" => Self::AgentSwitched {
                from: text(root, "FromKfAccount"),
                to: text(root, "ToKfAccount"),
            },
            "subscribe_msg_sent_event" => Self::NotificationsSent(NotificationSent::all(root)),
            "user_info_modified" => read_privacy(root, PrivacyNotice::Modified),
            "user_authorization_revoke" => read_privacy(root, PrivacyNotice::Revoked),
            "user_authorization_cancellation" => read_privacy(root, PrivacyNotice::Closed),
            "qualification_verify_success"
            | "qualification_verify_fail"
            | "naming_verify_success"
            | "naming_verify_fail"
            | "annual_renew"
            | "verify_expired" => Self::Certification {
                name: name.to_owned(),
                time: root.number("ExpiredTime").or(root.number("FailTime")),
                reason: root.word("FailReason").map(str::to_owned),
            },
            _ => return None,
        })
    }
}

impl Scene {
    /// A follow carries the scene with a prefix, and only if a parametric code led to it.
    fn of_follow(root: &Element<'_>) -> Option<Self> {
        let value = root.word("EventKey")?.strip_prefix("qrscene_")?.to_owned();
        Some(Self::read(root, value))
    }

    fn read(root: &Element<'_>, value: String) -> Self {
        Self {
            value,
            ticket: root.word("Ticket").map(str::to_owned),
        }
    }
}

impl Opened {
    fn read(root: &Element<'_>) -> Self {
        Self {
            target: text(root, "EventKey"),
            menu_id: root.word("MenuId").map(str::to_owned),
        }
    }
}

impl TemplateOutcome {
    /// White space is not compared: the platform writes it inconsistently.
    fn read(status: &str) -> Self {
        let bare: String = status.split_whitespace().collect();
        match bare.to_ascii_lowercase().as_str() {
            "success" => Self::Delivered,
            "failed:userblock" => Self::Blocked,
            "failed:systemfailed" => Self::SystemFailed,
            _ => Self::Other(status.trim().to_owned()),
        }
    }
}

impl MassSent {
    fn read(root: &Element<'_>) -> Self {
        let count = |name| root.number(name).unwrap_or_default();
        Self {
            msg_id: root.number("MsgID"),
            status: text(root, "Status"),
            total: count("TotalCount"),
            filtered: count("FilterCount"),
            sent: count("SentCount"),
            failed: count("ErrorCount"),
            copyright: items(root, &["CopyrightCheckResult", "ResultList"], "item")
                .filter_map(|item| Some((item.number("ArticleIdx")?, item.number("AuditState")?)))
                .collect(),
            urls: items(root, &["ArticleUrlResult", "ResultList"], "item")
                .map(|item| text(item, "ArticleUrl"))
                .collect(),
        }
    }
}

impl Consent {
    fn all(root: &Element<'_>, list: &'static str) -> Vec<Self> {
        items(root, &[list], "List")
            .map(|item| Self {
                template_id: text(item, "TemplateId"),
                accepted: item.word("SubscribeStatusString") == Some("accept"),
                scene: item.number("PopupScene"),
            })
            .collect()
    }
}

impl NotificationSent {
    fn all(root: &Element<'_>) -> Vec<Self> {
        items(root, &["SubscribeMsgSentEvent"], "List")
            .map(|item| Self {
                template_id: text(item, "TemplateId"),
                msg_id: item.number("MsgID"),
                error_code: item.number("ErrorCode").unwrap_or_default(),
                error_status: text(item, "ErrorStatus"),
            })
            .collect()
    }
}

fn read_published(root: &Element<'_>) -> Event {
    let info = root.child("PublishEventInfo");
    Event::Published {
        id: inner(root, "PublishEventInfo", "publish_id"),
        status: info.and_then(|info| info.number("publish_status")),
        article_id: info
            .and_then(|info| info.word("article_id"))
            .map(str::to_owned),
        urls: items(root, &["PublishEventInfo", "article_detail"], "item")
            .map(|item| text(item, "article_url"))
            .collect(),
        failed: items(root, &["PublishEventInfo"], "fail_idx")
            .filter_map(|index| index.text.trim().parse().ok())
            .collect(),
    }
}

fn read_privacy(root: &Element<'_>, notice: PrivacyNotice) -> Event {
    Event::Privacy {
        notice,
        openid: root.word("OpenID").map(OpenId::new),
        app_id: text(root, "AppID"),
        revoked: text(root, "RevokeInfo"),
    }
}

/// The child's text without surrounding white space; empty if there is none.
fn text(element: &Element<'_>, name: &str) -> String {
    element.word(name).unwrap_or_default().to_owned()
}

/// The same, one level deeper.
fn inner(root: &Element<'_>, parent: &str, name: &str) -> String {
    root.child(parent)
        .map_or_else(String::new, |element| text(element, name))
}

/// The elements called `name` at the end of `path`.
fn items<'a>(
    root: &'a Element,
    path: &[&str],
    name: &'a str,
) -> impl Iterator<Item = &'a Element<'a>> {
    path.iter()
        .try_fold(root, |element, step| element.child(step))
        .into_iter()
        .flat_map(move |list| list.children_named(name))
}
