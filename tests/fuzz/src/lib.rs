//! What must hold for any bytes that a stranger, an operator or a platform may hand to Qiao.
//!
//! A [`Target`] is one pure function over bytes that panics when a promise is broken: what is read
//! is read again from what is written, limits hold, errors quote nothing, both readings of a
//! protocol (Qiao's and the simulators') agree. Two runners share them: `tests/timeboxed.rs` on any
//! toolchain, and `libfuzzer/`, guided by coverage, where there is a nightly one. [`corpus`] is
//! where both begin, [`mutate`] is how the first goes on.
//!
//! A new reader of foreign bytes gets a file in `targets/`, a line in [`TARGETS`], a line in
//! `tests/timeboxed.rs` and a folder in `corpus/`. The reply form (`POST /c4c/{tenant}/replies`)
//! will be `targets/reply_form.rs`, once there is a reader of it.

pub mod corpus;
pub mod mutate;
mod replay;
mod targets;
mod told;
mod world;

/// A promise about some reader of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Also the name of its folders under `corpus/` and `crashes/`.
    pub name: &'static str,
    /// Panics when these bytes break the promise.
    pub check: fn(&[u8]),
    /// Words of the format that chance would hardly write.
    pub words: &'static [&'static str],
}

/// All of them.
pub const TARGETS: [Target; 23] = [
    targets::address::TARGET,
    targets::backup::TARGET,
    targets::c4c_client::TARGET,
    targets::c4c_error::TARGET,
    targets::command::TARGET,
    targets::config::TARGET,
    targets::envelope::TARGET,
    targets::filter::TARGET,
    targets::instant::TARGET,
    targets::maintenance::TARGET,
    targets::mapping_file::TARGET,
    targets::metadata::TARGET,
    targets::notification::TARGET,
    targets::odata::TARGET,
    targets::placeholder::TARGET,
    targets::push::TARGET,
    targets::query::TARGET,
    targets::reply::TARGET,
    targets::reply_form::TARGET,
    targets::simulator::TARGET,
    targets::split::TARGET,
    targets::wechat_client::TARGET,
    targets::xml::TARGET,
];

/// The target of that name.
pub fn target(name: &str) -> Option<&'static Target> {
    static ALL: [Target; 23] = TARGETS;
    ALL.iter().find(|target| target.name == name)
}
