//! The kinds of messages (wechat.md 2.3).

use std::fmt;

use crate::wechat::xml::Element;

/// What a follower said. Media ids die after three days.
#[derive(Clone, PartialEq, Eq)]
pub enum MessageBody {
    /// `text`
    Text {
        /// What was written; emoji as text codes or Unicode.
        content: String,
        /// `bizmsgmenuid`: set when an item of a `msgmenu` was tapped instead of written.
        menu_item: Option<String>,
    },
    /// `image`
    Image {
        /// Public URL of the picture.
        pic_url: String,
        /// For media/get.
        media_id: String,
    },
    /// `voice`
    Voice {
        /// For media/get, which gives AMR at 8 kHz.
        media_id: String,
        /// `amr` or `speex`.
        format: String,
        /// A copy at 16 kHz; newer accounts only.
        media_id_16k: Option<String>,
        /// What was said, if speech recognition is on.
        recognition: Option<String>,
    },
    /// `video`
    Video(Video),
    /// `shortvideo`: from old clients.
    ShortVideo(Video),
    /// `location`
    Location {
        /// `Location_X`: decimal degrees, as text.
        latitude: String,
        /// `Location_Y`: decimal degrees, as text.
        longitude: String,
        /// Zoom of the map.
        scale: String,
        /// Address or name of the place; may be empty.
        label: String,
    },
    /// `link`
    Link {
        /// Headline.
        title: String,
        /// Below it.
        description: String,
        /// Where it leads.
        url: String,
    },
    /// `file`: undocumented, and not downloadable.
    File {
        /// The file's name.
        title: String,
        /// Below it.
        description: String,
        /// `FileKey`
        key: String,
        /// `FileMd5`
        md5: String,
        /// `FileTotalLen`, bytes.
        length: Option<i64>,
    },
    /// `miniprogrampage`: a card of a mini-program.
    MiniProgramPage {
        /// The mini-program.
        app_id: String,
        /// The card's headline.
        title: String,
        /// The page it opens.
        page_path: String,
        /// Public URL of its picture.
        thumb_url: String,
        /// For media/get.
        thumb_media_id: String,
    },
    /// A kind nobody documented.
    Other {
        /// `MsgType` in lower case.
        name: String,
    },
}

/// A moving picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// For media/get.
    pub media_id: String,
    /// The still picture, for media/get.
    pub thumb_media_id: String,
}

impl fmt::Debug for MessageBody {
    /// Nothing of what was said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageBody(…)")
    }
}

impl MessageBody {
    /// Reads the fields of the kind `name`, which is in lower case.
    pub(super) fn read(name: &str, root: &Element<'_>) -> Self {
        let text = |field| root.text_of(field).to_owned();
        let word = |field| root.word(field).map(str::to_owned);
        let id = |field| word(field).unwrap_or_default();
        match name {
            "text" => Self::Text {
                content: text("Content"),
                menu_item: word("bizmsgmenuid"),
            },
            "image" => Self::Image {
                pic_url: id("PicUrl"),
                media_id: id("MediaId"),
            },
            "voice" => Self::Voice {
                media_id: id("MediaId"),
                format: id("Format"),
                media_id_16k: word("MediaId16K"),
                recognition: word("Recognition"),
            },
            "video" => Self::Video(Video::read(root)),
            "shortvideo" => Self::ShortVideo(Video::read(root)),
            "location" => Self::Location {
                latitude: id("Location_X"),
                longitude: id("Location_Y"),
                scale: id("Scale"),
                label: text("Label"),
            },
            "link" => Self::Link {
                title: text("Title"),
                description: text("Description"),
                url: id("Url"),
            },
            "file" => Self::File {
                title: text("Title"),
                description: text("Description"),
                key: id("FileKey"),
                md5: id("FileMd5"),
                length: root.number("FileTotalLen"),
            },
            "miniprogrampage" => Self::MiniProgramPage {
                app_id: id("AppId"),
                title: text("Title"),
                page_path: id("PagePath"),
                thumb_url: id("ThumbUrl"),
                thumb_media_id: id("ThumbMediaId"),
            },
            other => Self::Other {
                name: other.to_owned(),
            },
        }
    }

    /// What to download; `None` if there is nothing. Of a voice it is the better copy if there is
    /// one, and the still picture of a video is left to the video.
    pub fn media_id(&self) -> Option<&str> {
        let id = match self {
            Self::Image { media_id, .. } => media_id,
            Self::Voice {
                media_id,
                media_id_16k,
                ..
            } => media_id_16k.as_ref().unwrap_or(media_id),
            Self::Video(video) | Self::ShortVideo(video) => &video.media_id,
            _ => return None,
        };
        Some(id.as_str()).filter(|id| !id.is_empty())
    }

    /// What a person reads in the history: the words themselves, or a mark in brackets with
    /// everything that can be said in words.
    pub fn text(&self) -> String {
        match self {
            Self::Text { content, .. } => content.clone(),
            Self::Image { .. } => "[image]".to_owned(),
            Self::Voice { recognition, .. } => {
                mark("voice", &[recognition.as_deref().unwrap_or("")])
            }
            Self::Video(_) | Self::ShortVideo(_) => "[video]".to_owned(),
            Self::Location {
                latitude,
                longitude,
                label,
                ..
            } => mark("location", &[&place(latitude, longitude), label]),
            Self::Link {
                title,
                description,
                url,
            } => mark("link", &[title, description, url]),
            Self::File {
                title, description, ..
            } => mark("file", &[title, description]),
            Self::MiniProgramPage {
                title, page_path, ..
            } => mark("miniprogrampage", &[title, page_path]),
            Self::Other { name } => mark(name, &[]),
        }
    }
}

impl Video {
    fn read(root: &Element<'_>) -> Self {
        Self {
            media_id: root.word("MediaId").unwrap_or_default().to_owned(),
            thumb_media_id: root.word("ThumbMediaId").unwrap_or_default().to_owned(),
        }
    }
}

/// `latitude,longitude`; empty if both are.
fn place(latitude: &str, longitude: &str) -> String {
    if latitude.is_empty() && longitude.is_empty() {
        String::new()
    } else {
        format!("{latitude},{longitude}")
    }
}

/// `[name] part part`, blank parts left out.
fn mark(name: &str, parts: &[&str]) -> String {
    let mut text = format!("[{name}]");
    for part in parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
    {
        text.push(' ');
        text.push_str(part);
    }
    text
}
