//! Passive replies: XML in the answer to a push (wechat.md 2.5).
//!
//! A reply costs nothing of the send window. Nothing to say is not a reply: answer the word
//! [`ACKNOWLEDGED`]. In compatible and safe mode the XML goes through [`super::keys::ReplyKey::seal`].

use std::fmt;

use jiff::Timestamp;

use crate::domain::ids::OpenId;

use super::xml::{cdata, is_allowed};

/// The body that acknowledges a push without a reply; never encrypted.
pub const ACKNOWLEDGED: &str = "success";

/// Longest text, in bytes of UTF-8. Of a longer one nothing is delivered; one account of it has
/// the border at 2,047, which callers reach by [`super::split`].
pub const MAX_TEXT_BYTES: usize = 2_048;

/// The most articles; an answer to a message takes only one, an answer to an event may take more.
pub const MAX_ARTICLES: usize = 10;

/// What to say.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// At most [`MAX_TEXT_BYTES`]; never empty, because an empty text shows a fault.
    Text(String),
    /// A picture.
    Image {
        /// Of media/upload.
        media_id: String,
    },
    /// A voice.
    Voice {
        /// Of media/upload.
        media_id: String,
    },
    /// A video.
    Video {
        /// Of media/upload.
        media_id: String,
        /// Headline.
        title: String,
        /// Below it.
        description: String,
    },
    /// A link to music.
    Music {
        /// Headline.
        title: String,
        /// Below it.
        description: String,
        /// Where it is.
        url: String,
        /// Where it is in high quality; used on Wi-Fi.
        hq_url: String,
        /// Of media/upload.
        thumb_media_id: String,
    },
    /// 1 to [`MAX_ARTICLES`] articles.
    News(Vec<Article>),
    /// Hands the follower's message to WeChat's own service desk. Until its agent is done, messages
    /// are **not** pushed to us.
    Transfer {
        /// Whom to; `None` for anyone.
        agent: Option<String>,
    },
}

/// A headline with picture and link.
#[derive(Clone, PartialEq, Eq)]
pub struct Article {
    /// Headline.
    pub title: String,
    /// Below it.
    pub description: String,
    /// URL of the picture.
    pub pic_url: String,
    /// Where a tap leads.
    pub url: String,
}

/// A reply that WeChat would not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// It would show a fault to the follower.
    #[error("a text reply must not be empty: answer `{ACKNOWLEDGED}` to say nothing")]
    EmptyText,
    /// It would not be delivered.
    #[error("a text reply holds at most {MAX_TEXT_BYTES} bytes and this one has {0}: shorten it")]
    LongText(usize),
    /// It would not be delivered.
    #[error("a news reply holds 1 to {MAX_ARTICLES} articles and this one has {0}")]
    Articles(usize),
}

impl fmt::Debug for Reply {
    /// The kind only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({})", self.kind_word())
    }
}

impl Reply {
    /// `MsgType` on the wire; also the kind in SQL.
    pub fn kind_word(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image { .. } => "image",
            Self::Voice { .. } => "voice",
            Self::Video { .. } => "video",
            Self::Music { .. } => "music",
            Self::News(_) => "news",
            Self::Transfer { .. } => "transfer_customer_service",
        }
    }

    /// The XML for the follower `to`, from the account's original id `from`, which is what the
    /// push was addressed to.
    pub fn render(&self, to: &OpenId, from: &str, now: Timestamp) -> Result<String, ReplyError> {
        Ok(format!(
            "<xml>{}{}<CreateTime>{}</CreateTime>{}{}</xml>",
            cdata("ToUserName", to.as_str()),
            cdata("FromUserName", from),
            now.as_second(),
            cdata("MsgType", self.kind_word()),
            self.body()?,
        ))
    }

    fn body(&self) -> Result<String, ReplyError> {
        Ok(match self {
            Self::Text(text) if text.chars().all(shows_nothing) => {
                return Err(ReplyError::EmptyText);
            }
            Self::Text(text) if text.len() > MAX_TEXT_BYTES => {
                return Err(ReplyError::LongText(text.len()));
            }
            Self::Text(text) => cdata("Content", text),
            Self::Image { media_id } => within("Image", &[("MediaId", media_id)]),
            Self::Voice { media_id } => within("Voice", &[("MediaId", media_id)]),
            Self::Video {
                media_id,
                title,
                description,
            } => within(
                "Video",
                &[
                    ("MediaId", media_id),
                    ("Title", title),
                    ("Description", description),
                ],
            ),
            Self::Music {
                title,
                description,
                url,
                hq_url,
                thumb_media_id,
            } => within(
                "Music",
                &[
                    ("Title", title),
                    ("Description", description),
                    ("MusicUrl", url),
                    ("HQMusicUrl", hq_url),
                    ("ThumbMediaId", thumb_media_id),
                ],
            ),
            Self::News(articles) => news(articles)?,
            Self::Transfer { agent } => agent
                .as_ref()
                .map(|agent| within("TransInfo", &[("KfAccount", agent)]))
                .unwrap_or_default(),
        })
    }
}

fn shows_nothing(character: char) -> bool {
    character.is_whitespace() || character.is_control() || !is_allowed(character)
}

fn news(articles: &[Article]) -> Result<String, ReplyError> {
    let count = articles.len();
    if !(1..=MAX_ARTICLES).contains(&count) {
        return Err(ReplyError::Articles(count));
    }
    let items: String = articles
        .iter()
        .map(|article| {
            within(
                "item",
                &[
                    ("Title", &article.title),
                    ("Description", &article.description),
                    ("PicUrl", &article.pic_url),
                    ("Url", &article.url),
                ],
            )
        })
        .collect();
    Ok(format!(
        "<ArticleCount>{count}</ArticleCount><Articles>{items}</Articles>"
    ))
}

fn within(name: &str, fields: &[(&str, &String)]) -> String {
    let fields: String = fields
        .iter()
        .map(|(name, text)| cdata(name, text))
        .collect();
    format!("<{name}>{fields}</{name}>")
}

#[cfg(test)]
mod tests;
