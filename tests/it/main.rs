//! One binary of stories: Qiao between both simulated platforms, over real HTTP and real SQLite
//! files. Time stands still until a story moves it; nothing sleeps.

#![expect(
    unreachable_pub,
    reason = "one binary: nothing is reached from outside"
)]
#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod agents;
mod answers;
mod attachments;
mod audit;
mod backups;
mod bench;
mod blocks;
mod browser;
mod burst;
mod commands;
mod conformance;
mod contact;
mod crash_child;
mod crash_points;
mod crashes;
mod customers;
mod demo;
mod doctor;
mod documents;
mod drift;
mod drifting;
mod duplicates;
mod flood;
mod floors;
mod hands;
mod hook;
mod inside;
mod linking;
mod locations;
mod main_job;
mod mapping_files;
mod mapping_links;
mod messages;
mod metrics;
mod naming;
mod notices;
mod outages;
mod overload;
mod packaging;
mod policies;
mod privacy;
mod process;
mod raw;
mod reconciliation;
mod refusals;
mod replies;
mod running;
mod schema;
mod search;
mod simulation;
mod stalled;
mod steps;
mod talking;
mod templates;
mod timetable;
mod tokens;
mod traces;
mod windows;
mod world;
