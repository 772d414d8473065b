//! Whatever happens to rows, every lane keeps its order and has exactly one head.

use proptest::prelude::*;
use qiao::domain::rows::{Cancel, Changes, Release};
use qiao::store::{Ask, Job, NextState};

use super::Way;
use super::rows::{Room, done, effect, effects, held, nothing};

/// What may happen to the rows of three lanes.
#[derive(Debug, Clone)]
enum Happens {
    Write(u8),
    /// At most so many lanes, and so many rows of each.
    Claim(usize, usize),
    Settle(usize, u8),
    Release(u8),
    Cancel(u8),
    Retry(usize),
    Recover,
    TimePasses,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => (0..3_u8).prop_map(Happens::Write),
        4 => (1..4_usize, 1..4_usize).prop_map(|(limit, rows)| Happens::Claim(limit, rows)),
        5 => (0..8_usize, 0..5_u8).prop_map(|(which, how)| Happens::Settle(which, how)),
        1 => (0..3_u8).prop_map(Happens::Release),
        1 => (0..3_u8).prop_map(Happens::Cancel),
        2 => (0..20_usize).prop_map(Happens::Retry),
        1 => Just(Happens::Recover),
        2 => Just(Happens::TimePasses),
    ]
}

fn lane(number: u8) -> String {
    format!("lane-{number}")
}

/// The job that is tried first, and those behind it.
fn in_order(mut jobs: Vec<Job>) -> (Job, Vec<Job>) {
    jobs.sort_by_key(|job| job.id);
    (jobs.remove(0), jobs)
}

impl Room {
    async fn happen(&self, step: Happens, running: &mut Vec<Job>) {
        match step {
            Happens::Write(number) => self.write(effects([effect(&lane(number))])).await,
            Happens::Claim(limit, rows) => {
                let ask = Ask {
                    limit,
                    ..self.ask_ahead(rows)
                };
                let claimed = self.claim_as(ask).await;
                for job in &claimed {
                    let beside = running.iter().any(|other| other.lane == job.lane);
                    assert!(!beside, "a lane that runs was claimed from");
                    let together = claimed.iter().filter(|other| other.lane == job.lane);
                    assert!(together.count() <= rows);
                }
                running.extend(claimed);
            }
            Happens::Settle(which, how) if !running.is_empty() => {
                let lane = running[which % running.len()].lane.clone();
                let of_lane = running.extract_if(.., |job| job.lane == lane);
                let (first, behind) = in_order(of_lane.collect());
                let next = self.ending(how);
                if matches!(next, NextState::Done { .. }) {
                    running.extend(behind);
                } else {
                    // As the engine does: what is behind a failure waits for it.
                    let behind = behind.iter().map(|job| job.id).collect();
                    self.store.give_back(behind).await.unwrap();
                }
                self.settle(first, next).await;
            }
            Happens::Release(number) => {
                let release = Release {
                    lane: lane(number),
                    reason: "window",
                    if_open: None,
                    acted_after: None,
                };
                let releases = vec![release];
                self.write(Changes {
                    releases,
                    ..nothing()
                })
                .await;
            }
            Happens::Cancel(number) => {
                let cancel = Cancel {
                    lane: lane(number),
                    reason: "the follower left",
                };
                let cancels = vec![cancel];
                self.write(Changes {
                    cancels,
                    ..nothing()
                })
                .await;
            }
            Happens::Retry(id) => {
                let id = i64::try_from(id).unwrap();
                self.store.retry(id).await.unwrap();
            }
            Happens::Recover => {
                self.store.recover().await.unwrap();
                running.clear();
            }
            Happens::TimePasses => self.wait(60),
            Happens::Settle(..) => {}
        }
    }

    fn ending(&self, how: u8) -> NextState {
        match how {
            0 => NextState::Ready {
                at: self.later(30),
                uncertain: true,
            },
            1 => held("window"),
            2 => NextState::Dead,
            3 => NextState::Cancelled {
                reason: "unwanted".to_owned(),
            },
            _ => done(),
        }
    }

    /// A lane with open rows has one head: the running row, else the oldest that is ready.
    async fn lanes_hold(&self) {
        let wrong = self
            .number(
                "SELECT count(*) FROM (SELECT DISTINCT lane FROM outbox
                     WHERE state = 'ready' OR state = 'running') l
                 WHERE (SELECT count(*) FROM outbox h WHERE h.lane = l.lane AND h.head = 1) <> 1
                     OR (SELECT h.id FROM outbox h WHERE h.lane = l.lane AND h.head = 1)
                        <> (SELECT o.id FROM outbox o WHERE o.lane = l.lane
                            AND (o.state = 'ready' OR o.state = 'running')
                            ORDER BY o.state DESC, o.id LIMIT 1)",
            )
            .await;
        assert_eq!(wrong, 0, "a lane has no head, two, or the wrong one");
    }
}

proptest! {
    // Each case is a database of its own, so a tenth of the usual number.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 10,
        ..ProptestConfig::default()
    })]
    #[test]
    fn every_lane_keeps_its_order_and_its_head(
        steps in prop::collection::vec(happens(), 1..40),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let room = Room::new(&Way::of_the_simulation()).await;
            let mut running = Vec::new();
            for step in steps {
                room.happen(step, &mut running).await;
                room.lanes_hold().await;
            }
        });
    }
}
