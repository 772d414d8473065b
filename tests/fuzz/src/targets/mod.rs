//! One file a promise; each has a `TARGET`.

pub(crate) mod address;
pub(crate) mod backup;
pub(crate) mod c4c_client;
pub(crate) mod c4c_error;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod envelope;
pub(crate) mod filter;
pub(crate) mod instant;
pub(crate) mod maintenance;
pub(crate) mod mapping_file;
pub(crate) mod metadata;
pub(crate) mod notification;
pub(crate) mod odata;
pub(crate) mod placeholder;
pub(crate) mod push;
pub(crate) mod query;
pub(crate) mod reply;
pub(crate) mod reply_form;
pub(crate) mod simulator;
pub(crate) mod split;
pub(crate) mod wechat_client;
pub(crate) mod xml;
