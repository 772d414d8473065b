//! The names of effects, as they stand in `outbox.effect`.

/// A follower did something: windows, held sends and first contact follow from it. Local.
pub const FOLLOWER_ACTED: &str = "follower.acted";

/// The follower's customer is looked up or created in C4C, and linked.
pub const CUSTOMER_ENSURE: &str = "customer.ensure";

/// A customer that may have changed is read again and compared with its baseline.
pub const CUSTOMER_REREAD: &str = "customer.reread";

/// A reread that was held while somebody was being linked goes on. Local.
pub const CUSTOMER_RESUME: &str = "customer.resume";

/// Everything that changed lately in a tenant is looked through.
pub const CUSTOMER_SWEEP: &str = "customer.sweep";

/// A message is sent to a follower as a custom message, else as a template.
pub const WECHAT_SEND: &str = "wechat.send";

/// An answer hook is asked.
pub const HOOK_ASK: &str = "hook.ask";
