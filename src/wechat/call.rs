//! What Qiao asks of WeChat: each call by its name, in words and in the metrics.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// An access token.
    FetchToken,
    /// A ticket for pages.
    FetchTicket,
    /// A text as a custom message.
    SendText,
    /// A picture, voice or video as a custom message.
    SendMedia,
    /// A template message.
    SendTemplate,
    /// One or several followers' data.
    UserInfo,
    /// A page of followers.
    Followers,
    /// New OpenIDs after the migration of an account.
    ChangeOpenIds,
    /// The mark that somebody is typing.
    Typing,
    /// A medium.
    DownloadMedia,
    /// A video, from where WeChat says that it is.
    FetchVideo,
    /// A medium to be sent.
    UploadMedia,
    /// A QR code with a scene.
    CreateQr,
    /// How much of the day's quota is left.
    Quota,
    /// WeChat's own look at the way to our server.
    CallbackCheck,
    /// The menu, as it is.
    MenuGet,
    /// A change of the menu.
    MenuChange,
    /// The tags of followers.
    Tags,
    /// Who came back with a code.
    ExchangeCode,
    /// The renewal of a consent.
    RefreshConsent,
    /// Name and avatar that somebody consented to tell.
    ReadProfile,
}

impl Call {
    /// In words, for a sentence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FetchToken => "the fetch of an access_token",
            Self::FetchTicket => "the fetch of a jsapi_ticket",
            Self::SendText | Self::SendMedia => "a custom message",
            Self::SendTemplate => "a template message",
            Self::UserInfo => "a look-up of followers",
            Self::Followers => "the list of followers",
            Self::ChangeOpenIds => "the look-up of new OpenIDs",
            Self::Typing => "the mark of typing",
            Self::DownloadMedia => "the download of a medium",
            Self::FetchVideo => "the fetch of a video",
            Self::UploadMedia => "the upload of a medium",
            Self::CreateQr => "a QR code",
            Self::Quota => "a look at the quota",
            Self::CallbackCheck => "the check of the way to this server",
            Self::MenuGet => "a look at the menu",
            Self::MenuChange => "a change of the menu",
            Self::Tags => "a look at the tags",
            Self::ExchangeCode => "the exchange of an OAuth code",
            Self::RefreshConsent => "the renewal of a consent",
            Self::ReadProfile => "a look at a profile",
        }
    }

    /// Its name in the metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::FetchToken => "token",
            Self::FetchTicket => "ticket",
            Self::SendText => "send_text",
            Self::SendMedia => "send_media",
            Self::SendTemplate => "send_template",
            Self::UserInfo => "user_info",
            Self::Followers => "followers",
            Self::ChangeOpenIds => "change_openids",
            Self::Typing => "typing",
            Self::DownloadMedia => "download_media",
            Self::FetchVideo => "fetch_video",
            Self::UploadMedia => "upload_media",
            Self::CreateQr => "create_qr",
            Self::Quota => "quota",
            Self::CallbackCheck => "callback_check",
            Self::MenuGet => "menu_get",
            Self::MenuChange => "menu_change",
            Self::Tags => "tags",
            Self::ExchangeCode => "exchange_code",
            Self::RefreshConsent => "refresh_consent",
            Self::ReadProfile => "read_profile",
        }
    }

    /// Whether it reaches a person, so that nobody may repeat it blindly.
    pub fn sends(self) -> bool {
        self.is_custom() || self == Self::SendTemplate
    }

    pub(super) fn is_custom(self) -> bool {
        matches!(self, Self::SendText | Self::SendMedia)
    }

    /// Whether another machine than WeChat's API answers it: what ails that one ails one file, and
    /// not the account.
    pub(super) fn is_elsewhere(self) -> bool {
        self == Self::FetchVideo
    }
}
