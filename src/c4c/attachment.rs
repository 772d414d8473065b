//! Files that hang on messages and tickets (c4c.md 4.6).
//!
//! One file goes in one request. C4C's own limit is not known (c4c.md 8): what is above it comes
//! back as a refusal.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use super::activity::Activity;
use super::call::{Call, Wanted};
use super::calls::EntityType;
use super::client::Client;
use super::error::{Error, Kind};
use super::odata::json::Entity;
use super::pace::Pace;
use super::ticket::Ticket;
use crate::domain::ids::ObjectId;
use crate::kit::transport::MAX_RESPONSE;

/// The longest file that is moved either way, in bytes: as much as one answer may bring, which
/// WeChat's largest media, of 10 MB (wechat.md 6), stay below.
pub const MAX_FILE: usize = MAX_RESPONSE;

/// The type of an attachment that every tenant has: a standard attachment.
const STANDARD_TYPE: &str = "10001";

/// The category of an attachment that is a file and not a link.
const FILE: &str = "2";

/// All of an attachment but its bytes, which a list would bring too.
const LISTED: &str = "ObjectID,Name,MimeType,SizeInkB,CategoryCode,LinkWebURI";

/// What a file hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A message.
    Activity(ObjectId),
    /// A ticket.
    Ticket(ObjectId),
}

impl Owner {
    fn set(&self) -> &'static str {
        match self {
            Self::Activity(_) => Activity::SET,
            Self::Ticket(_) => Ticket::SET,
        }
    }

    fn folder(&self) -> &'static str {
        match self {
            Self::Activity(_) => "SocialMediaActivityAttachmentFolder",
            Self::Ticket(_) => "ServiceRequestAttachmentFolder",
        }
    }

    fn key(&self) -> &str {
        match self {
            Self::Activity(id) | Self::Ticket(id) => id.as_str(),
        }
    }
}

/// A file to be hung on something.
pub struct NewFile<'a> {
    /// Its name, with its ending.
    pub name: &'a str,
    /// Its type, for example `image/jpeg`.
    pub mime: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// A file or a link that hangs on something.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its key.
    pub object_id: ObjectId,
    /// Its name, as whoever attached it chose it.
    pub name: String,
    /// Its type, as C4C has it; may be empty.
    pub mime: String,
    /// In bytes, as C4C says (c4c.md 1.7); not to be relied on.
    pub size: Option<u64>,
    /// Where it leads, if it is a link and not a file: then there are no bytes.
    pub link: Option<String>,
}

impl std::fmt::Debug for Attachment {
    /// A name may tell as much as a text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attachment({}, {})", self.object_id, self.mime)
    }
}

impl Client {
    /// Hangs a file on something. A lost answer is uncertain: look among
    /// [`Client::attachments`] before it is sent again.
    pub async fn attach(&self, pace: Pace, owner: &Owner, file: &NewFile<'_>) -> Result<(), Error> {
        if file.bytes.len() > MAX_FILE {
            return Err(self.session.error(Kind::FileTooLarge));
        }
        let body = json!({
            "Name": file.name,
            "MimeType": file.mime,
            "Binary": BASE64.encode(file.bytes),
            "TypeCode": STANDARD_TYPE,
            "CategoryCode": FILE,
        });
        let url = self
            .service
            .navigation(owner.set(), owner.key(), owner.folder());
        let call = Call {
            wanted: Wanted::Nothing,
            ..Call::post(url, &body, vec![file.name.to_owned()])
        };
        self.session.exchange(pace, &call).await.map(drop)
    }

    /// What hangs on something, in C4C's order, without the bytes.
    pub async fn attachments(&self, pace: Pace, owner: &Owner) -> Result<Vec<Attachment>, Error> {
        let select = [("$select", LISTED)];
        let url = self
            .service
            .related(owner.set(), owner.key(), owner.folder(), &select);
        let rows = self.rows(pace, url, Vec::new(), |_| true).await?;
        Ok(rows.iter().filter_map(attachment).collect())
    }

    /// The bytes of a file; `None` when it is gone. [`Kind::FileTooLarge`] for one that is longer
    /// than [`MAX_FILE`].
    ///
    /// The address is made here: C4C's own `DocumentLink` may be of no use, as it is after a
    /// batch, or lead elsewhere.
    pub async fn attachment_bytes(
        &self,
        pace: Pace,
        owner: &Owner,
        attachment: &Attachment,
    ) -> Result<Option<Vec<u8>>, Error> {
        let too_large = || self.session.error(Kind::FileTooLarge);
        if attachment.size.is_some_and(|size| size > MAX_FILE as u64) {
            return Err(too_large());
        }
        let set = format!("{}Collection", owner.folder());
        let call = Call {
            wanted: Wanted::File {
                is_page: attachment.mime.to_ascii_lowercase().contains("html"),
            },
            ..Call::get(
                self.service.bytes(&set, attachment.object_id.as_str()),
                Vec::new(),
            )
        };
        match self.session.exchange(pace, &call).await {
            Ok(answer) if answer.body.len() > MAX_FILE => Err(too_large()),
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) => match error.kind {
                Kind::NotFound { .. } => Ok(None),
                Kind::TooLarge { .. } => Err(too_large()),
                _ => Err(error),
            },
        }
    }
}

fn attachment(row: &Entity) -> Option<Attachment> {
    let text = |property| row.text(property).unwrap_or_default();
    let is_file = [FILE, ""].contains(&text("CategoryCode").as_str());
    Some(Attachment {
        object_id: row.object_id("ObjectID")?,
        name: text("Name"),
        mime: text("MimeType"),
        size: row.filled("SizeInkB").and_then(|size| whole(&size)),
        link: row.filled("LinkWebURI").filter(|_| !is_file),
    })
}

/// A Decimal such as `37.00000000000000`, without its decimals.
fn whole(decimal: &str) -> Option<u64> {
    let digits = decimal.split('.').next()?;
    digits.parse().ok()
}
