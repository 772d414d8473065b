//! One binary of stories: Qiao between both simulated platforms, over real HTTP and real SQLite
//! files. Time stands still until a story moves it; nothing sleeps.

#![expect(
    unreachable_pub,
    reason = "one binary: nothing is reached from outside"
)]
#![expect(
    clippy::unwrap_used,
    reason = "a story that cannot go on fails there and then"
)]

mod crashes;
mod customers;
mod hands;
mod main_job;
mod notices;
mod outages;
mod reconciliation;
mod world;
