//! The rows of one batch, gathered per table, and the order in which they are written.
//!
//! Ids are given here, by the one writer, so that rows of one batch can point at each other
//! and every table needs one statement.

use std::collections::{BTreeSet, HashSet};
use std::mem::take;

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;

use super::codec::micros;
use super::locations::{self, LocationInsert};
use super::rows::{
    ActivityInsert, AttemptInsert, ConversationRows, DedupeRow, DoneRow, FindingInsert,
    FollowerRow, GrantUpsert, InboxRow, InvitationRow, LaneOfEffect, MappingUpsert, MediaRows,
    MessageInsert, MessageMoved, OutboxInsert, ProfileUpsert, QrRows, QrScanRow, SeatEventInsert,
    SettledRow, SnapshotUpsert, WindowClosedRow,
};
use super::{apply, consents, erasing, forget, given};
use crate::domain::rows::{
    Cancel, Changes, ConsentChange, NewEffect, NewErasure, PassiveDelivery, Release, StoredAnswer,
    names,
};
use crate::kit::trace::TraceId;

/// The next ids of the tables whose rows are pointed at.
#[derive(Debug)]
pub(super) struct Ids {
    pub inbox: Counter,
    pub message: Counter,
    pub outbox: Counter,
}

#[derive(Debug)]
pub(super) struct Counter(i64);

impl Counter {
    pub(super) fn next(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }

    /// The last that was given.
    pub(super) fn last(&self) -> i64 {
        self.0
    }
}

impl Ids {
    pub(super) async fn load(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let (inbox, message, outbox): (i64, i64, i64) = sqlx::query_as(
            "SELECT max((SELECT coalesce(max(id), 0) FROM inbox),
                        coalesce((SELECT id FROM last_id WHERE name = 'inbox'), 0)),
                    max((SELECT coalesce(max(id), 0) FROM message),
                        coalesce((SELECT id FROM last_id WHERE name = 'message'), 0)),
                    max((SELECT coalesce(max(id), 0) FROM outbox),
                        coalesce((SELECT id FROM last_id WHERE name = 'outbox'), 0))",
        )
        .fetch_one(connection)
        .await?;
        Ok(Self {
            inbox: Counter(inbox),
            message: Counter(message),
            outbox: Counter(outbox),
        })
    }
}

/// Whose effects a commit may have made due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wakes {
    /// The engine's, which claims them.
    pub delivery: bool,
    /// Local ones.
    pub local: bool,
}

/// What one transaction writes.
#[derive(Default)]
pub(super) struct Plan {
    pub now: Timestamp,
    pub inbox: Vec<InboxRow>,
    pub dedupe: Vec<DedupeRow>,
    pub done: Vec<DoneRow>,
    pub settled: Vec<SettledRow>,
    pub attempts: Vec<AttemptInsert>,
    pub moved: Vec<MessageMoved>,
    /// Lanes whose head has settled.
    pub settled_lanes: BTreeSet<String>,
    /// Whether one of them is not local.
    pub settled_remote: bool,
    answers: Vec<StoredAnswer>,
    forgets: Vec<FollowerRow>,
    messages: Vec<MessageInsert>,
    mappings: Vec<MappingUpsert>,
    grants: Vec<GrantUpsert>,
    window_uses: Vec<FollowerRow>,
    window_closed: Vec<WindowClosedRow>,
    snapshots: Vec<SnapshotUpsert>,
    cancels: Vec<Cancel>,
    releases: Vec<Release>,
    passive: Vec<PassiveDelivery>,
    effects: Vec<OutboxInsert>,
    findings: Vec<FindingInsert>,
    conversations: ConversationRows,
    seat_events: Vec<SeatEventInsert>,
    profiles: Vec<ProfileUpsert>,
    activities: Vec<ActivityInsert>,
    media: MediaRows,
    locations: Vec<LocationInsert>,
    erasures: Vec<NewErasure>,
    consents: Vec<ConsentChange>,
    qr: QrRows,
}

impl Plan {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            now,
            ..Self::default()
        }
    }

    /// Plans `changes`; rows that name no push are linked to `inbox_id`, and all of them belong to
    /// `trace`.
    pub(super) fn change(
        &mut self,
        changes: &Changes,
        inbox_id: Option<i64>,
        trace: Option<&TraceId>,
        ids: &mut Ids,
    ) {
        let now = self.now;
        let mut messages: Vec<MessageInsert> = changes
            .messages
            .iter()
            .map(|message| MessageInsert::new(message, ids.message.next(), inbox_id, now))
            .collect();
        for effect in &changes.effects {
            let id = ids.outbox.next();
            let message = effect.message.map(|index| &mut messages[index]);
            let message_id = message.map(|message| {
                // Only what goes out is delivered by its effect.
                message.outbox_id = (message.direction == "out").then_some(id);
                message.id
            });
            let message_id = message_id.or(effect.message_id);
            self.effects.push(OutboxInsert {
                trace: trace.map(TraceId::text),
                ..outbox_row(effect, id, message_id, inbox_id, now)
            });
        }
        let activities = changes.activities.iter();
        self.activities
            .extend(activities.map(|a| ActivityInsert::new(a, &messages, now)));
        for change in &changes.media {
            self.media.push(change, &messages, now);
        }
        self.messages.append(&mut messages);
        self.mappings
            .extend(changes.mappings.iter().map(|m| MappingUpsert::new(m, now)));
        self.grants
            .extend(changes.grants.iter().map(GrantUpsert::from));
        self.window_uses
            .extend(changes.window_uses.iter().map(FollowerRow::from));
        self.window_closed
            .extend(changes.window_closed.iter().map(WindowClosedRow::from));
        self.snapshots.extend(
            changes
                .snapshots
                .iter()
                .map(|s| SnapshotUpsert::new(s, now)),
        );
        self.cancels.extend(changes.cancels.iter().cloned());
        self.releases.extend(changes.releases.iter().cloned());
        self.passive.extend(changes.passive.iter().cloned());
        self.forgets
            .extend(changes.forgets.iter().map(FollowerRow::from));
        self.answers.extend(changes.answers.iter().cloned());
        self.findings
            .extend(changes.findings.iter().map(|f| FindingInsert::new(f, now)));
        let locations = changes.locations.iter();
        self.locations
            .extend(locations.map(|l| LocationInsert::new(l, inbox_id, now)));
        self.erasures.extend(changes.erasures.iter().cloned());
        self.change_conversations(changes, inbox_id);
        self.change_qr(changes, inbox_id);
    }

    fn change_qr(&mut self, changes: &Changes, inbox_id: Option<i64>) {
        for change in &changes.qr_codes {
            self.qr.push(change, self.now);
        }
        let scans = changes.qr_scans.iter();
        self.qr
            .scans
            .extend(scans.map(|scan| QrScanRow::new(scan, inbox_id)));
        self.qr
            .invitations
            .extend(changes.invitations.iter().map(InvitationRow::from));
    }

    fn change_conversations(&mut self, changes: &Changes, inbox_id: Option<i64>) {
        let now = self.now;
        for change in &changes.conversations {
            self.conversations.push(change);
        }
        let events = changes.seat_events.iter();
        self.seat_events
            .extend(events.map(|event| SeatEventInsert::new(event, inbox_id)));
        self.consents.extend(changes.consents.iter().cloned());
        self.profiles
            .extend(changes.profiles.iter().map(|p| ProfileUpsert::new(p, now)));
    }

    /// Writes everything, one statement a table. Returns whose effects may have become due.
    pub(super) async fn write(
        mut self,
        connection: &mut SqliteConnection,
    ) -> Result<Wakes, sqlx::Error> {
        let now = micros(self.now);
        given::insert(connection, "inbox", take(&mut self.inbox)).await?;
        given::insert(connection, "dedupe", take(&mut self.dedupe)).await?;
        apply::done(connection, take(&mut self.done)).await?;
        apply::settled(connection, take(&mut self.settled)).await?;
        given::insert(connection, "attempt", take(&mut self.attempts)).await?;
        apply::answers(connection, take(&mut self.answers)).await?;
        forget::history(connection, &self.forgets).await?;
        given::insert(connection, "message", take(&mut self.messages)).await?;
        apply::mappings(connection, take(&mut self.mappings)).await?;
        apply::grants(connection, take(&mut self.grants)).await?;
        apply::window_uses(connection, &self.window_uses, now).await?;
        apply::window_closed(connection, &self.window_closed).await?;
        apply::snapshots(connection, take(&mut self.snapshots)).await?;
        given::insert(connection, "finding", take(&mut self.findings)).await?;
        // Before the conversations: one that opens takes up the invitation.
        apply::qr(connection, take(&mut self.qr)).await?;
        apply::conversations(connection, take(&mut self.conversations)).await?;
        let events = take(&mut self.seat_events);
        given::insert(connection, "conversation_event", events).await?;
        apply::profiles(connection, take(&mut self.profiles)).await?;
        apply::activities(connection, take(&mut self.activities)).await?;
        apply::media(connection, take(&mut self.media)).await?;
        locations::insert(connection, take(&mut self.locations)).await?;
        for erasure in &self.erasures {
            erasing::order(connection, erasure, self.now).await?;
        }
        for consent in &self.consents {
            consents::write(connection, consent, self.now).await?;
        }
        self.moved
            .extend(apply::cancel(connection, &self.cancels, now).await?);
        let (mut reordered, released) = apply::release(connection, &self.releases, now).await?;
        self.moved.extend(released);
        reordered.extend(self.cancels.iter().map(|cancel| cancel.lane.clone()));
        for passive in &self.passive {
            self.moved
                .extend(apply::deliver_passively(connection, passive, now).await?);
        }
        self.drop_merged(connection).await?;
        self.mark_first();
        let is_local = |effect: &OutboxInsert| &*effect.remote == names::LOCAL;
        let wakes = Wakes {
            delivery: self.settled_remote
                || !reordered.is_empty()
                || self.effects.iter().any(|effect| !is_local(effect)),
            local: self.effects.iter().any(is_local),
        };
        let ordered = self.effects.iter().filter(|effect| effect.in_order_said);
        let ordered: Vec<LaneOfEffect> = ordered.map(LaneOfEffect::from).collect();
        apply::effects(connection, self.effects).await?;
        apply::in_order_said(connection, &ordered).await?;
        apply::promote(connection, &self.settled_lanes).await?;
        apply::reorder(connection, &reordered).await?;
        apply::moved(connection, self.moved, now).await?;
        Ok(wakes)
    }

    /// Drops effects whose lane already holds one of the same name that has not started.
    async fn drop_merged(&mut self, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let lanes: Vec<&str> = self
            .effects
            .iter()
            .filter(|e| e.merge)
            .map(|e| &*e.lane)
            .collect();
        if lanes.is_empty() {
            return Ok(());
        }
        let mut waiting: HashSet<(String, String)> = apply::waiting(connection, &lanes)
            .await?
            .into_iter()
            .collect();
        self.effects.retain(|effect| {
            !effect.merge || waiting.insert((effect.lane.to_string(), effect.effect.to_owned()))
        });
        Ok(())
    }

    fn mark_first(&mut self) {
        let mut lanes = HashSet::new();
        for effect in &mut self.effects {
            effect.first = lanes.insert(effect.lane.clone());
        }
    }
}

fn outbox_row(
    effect: &NewEffect,
    id: i64,
    message_id: Option<i64>,
    inbox_id: Option<i64>,
    now: Timestamp,
) -> OutboxInsert {
    OutboxInsert {
        id,
        lane: effect.lane.clone(),
        effect: effect.effect,
        remote: effect.remote.clone(),
        payload: effect.payload.clone(),
        first: false,
        priority: effect.priority.as_i64(),
        next_attempt_at: micros(effect.not_before.unwrap_or(now)),
        expires_at: effect.expires_at.map(micros),
        inbox_id: effect.inbox_id.or(inbox_id),
        message_id,
        created_at: micros(now),
        trace: None,
        merge: effect.merge,
        in_order_said: effect.in_order_said,
    }
}
