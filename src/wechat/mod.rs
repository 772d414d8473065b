//! WeChat's protocol: reading pushes, writing replies, calling the API.
//!
//! It owns what stands in `wechat.md` sections 1–5 and nothing of what Qiao does with it: it
//! knows no SQL, no C4C and no HTTP server. Time, randomness and the way to the network are
//! arguments, so everything but [`client`] and what stands beside it is a pure function.
//!
//! Start reading at [`receive`] (from a POST to a [`push::Push`]), then [`reply`] (the way back
//! in the same HTTP answer) and [`client`] (what Qiao asks of WeChat), whose failures
//! [`error`] and [`codes`] explain.

mod call;
pub mod client;
pub mod codes;
pub mod crypto;
pub mod custom;
pub mod download;
pub mod error;
pub mod examine;
mod json;
pub mod jssdk;
pub mod keys;
mod menu;
pub mod oauth;
pub mod push;
pub mod qr;
pub mod query;
pub mod receive;
pub mod reply;
pub mod signature;
pub mod split;
pub mod token;
pub mod upload;
pub mod user;
pub mod window;
pub mod xml;

#[cfg(test)]
mod tests;
