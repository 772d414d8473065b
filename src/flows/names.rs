//! The names of effects, as they stand in `outbox.effect`.

/// A follower did something: windows, held sends and first contact follow from it. Local.
pub const FOLLOWER_ACTED: &str = "follower.acted";

/// The follower's customer is looked up or created in C4C, and linked.
pub const CUSTOMER_ENSURE: &str = "customer.ensure";

/// The customer that a person or a file names is read in C4C, and the follower linked to them.
pub const CUSTOMER_LINK: &str = "customer.link";

/// A customer that may have changed is read again and compared with its baseline.
pub const CUSTOMER_REREAD: &str = "customer.reread";

/// A customer gets the follower's name, which has become known.
pub const CUSTOMER_RENAME: &str = "customer.rename";

/// Something of a customer changes, because its follower says so.
pub const CUSTOMER_CHANGE: &str = "customer.change";

/// Name and avatar that a follower consented to tell are read again.
pub const PROFILE_RENEW: &str = "profile.renew";

/// A follower withdrew what they had consented to. Local.
pub const CONSENT_WITHDRAWN: &str = "consent.withdrawn";

/// A customer is taken out of use, because the person behind it was erased.
pub const CUSTOMER_OBSOLETE: &str = "customer.obsolete";

/// A customer who exists gets what a campaign's QR code says of them.
pub const CUSTOMER_CAMPAIGN: &str = "customer.campaign";

/// A reread that was held while somebody was being linked goes on. Local.
pub const CUSTOMER_RESUME: &str = "customer.resume";

/// The one customer that carries a follower's OpenID becomes theirs. A repair.
pub const CUSTOMER_ADOPT: &str = "customer.adopt";

/// A customer gets the WeChat ID of its follower back. A repair.
pub const CUSTOMER_IDENTIFY: &str = "customer.identify";

/// A follower whose account was migrated goes on under another OpenID. A repair.
pub const FOLLOWER_MOVE: &str = "follower.move";

/// Everything that changed lately in a tenant is looked through.
pub const CUSTOMER_SWEEP: &str = "customer.sweep";

/// A message is sent to a follower as a custom message, else as a template.
pub const WECHAT_SEND: &str = "wechat.send";

/// A follower's message is recorded in C4C.
pub const CONVERSATION_RECORD: &str = "conversation.record";

/// What hangs on a recorded message is attached to what stands for it in C4C.
pub const CONVERSATION_ATTACH: &str = "conversation.attach";

/// The ticket that C4C made of a conversation is looked for.
pub const TICKET_FIND: &str = "ticket.find";

/// What hangs on a message is fetched from WeChat before it forgets it.
pub const MEDIA_FETCH: &str = "media.fetch";

/// An answer whose conversation Qiao does not know finds its follower through C4C.
pub const REPLY_ROUTE: &str = "reply.route";

/// The files of an answer are looked for in C4C, one after the other.
pub const REPLY_FILES: &str = "reply.files";

/// A follower sees that somebody is typing.
pub const WECHAT_TYPING: &str = "wechat.typing";

/// The ticket gets a note about what became of an answer.
pub const TICKET_NOTE: &str = "ticket.note";

/// The ticket goes to the agent whom its follower asked for.
pub const TICKET_ASSIGN: &str = "ticket.assign";

/// A QR code is made by WeChat.
pub const QR_CREATE: &str = "qr.create";

/// A ticket that may have changed is read again: what agents wrote on it, and whether it is completed.
pub const TICKET_REREAD: &str = "ticket.reread";

/// An activity that may be an agent's answer is read.
pub const ACTIVITY_REREAD: &str = "activity.reread";

/// Everything that agents answered lately in a tenant is looked through.
pub const ANSWERS_SWEEP: &str = "answers.sweep";

/// An answer hook is asked.
pub const HOOK_ASK: &str = "hook.ask";

/// The menu of an account becomes this one, where it is not.
pub const MENU_APPLY: &str = "menu.apply";

/// All menus of an account are taken away.
pub const MENU_DELETE: &str = "menu.delete";
