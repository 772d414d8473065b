//! Qiao (桥, "bridge") joins WeChat Official Accounts to SAP Cloud for Customer.
//!
//! Every fact that arrives is a row, every effect that must happen is a row, and both are
//! written in one transaction before the sender is answered. `docs/ARCHITECTURE.md` is the map.
//!
//! # Floors
//!
//! An arrow may only point down. Rooms on one floor do not see each other, unless an arrow joins
//! them. `tests/it/floors.rs` reads this table and holds it.
//!
//! ```text
//! cli → bench → app → control    5    commands | what is measured | the composition root | orders
//! http   jobs                    4    the edges: who woke us
//! effects   doctor → backup     3    what a row does: reads, calls, settles | what is wrong | backups
//! outbox   flows                 2½   that it happens | what should happen (pure)
//! store   wechat   c4c           2    adapters, blind to each other
//! config                         1    typed, validated
//! domain → kit                   0    the word list | clock, transport, secrets
//! ```

pub mod app;
pub mod backup;
pub mod bench;
pub mod c4c;
pub mod cli;
pub mod config;
pub mod control;
pub mod doctor;
pub mod domain;
pub mod effects;
pub mod flows;
pub mod http;
pub mod jobs;
pub mod kit;
pub mod outbox;
pub mod store;
pub mod wechat;
