use super::*;
use proptest::prelude::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// What the store's statement does: counts one send, made at `now`, in every grant that was live then.
fn spend(grants: &mut [Grant], now: Timestamp) {
    for grant in grants.iter_mut().filter(|grant| grant.is_live(now)) {
        grant.used = grant.used.saturating_add(1);
    }
}

#[test]
fn a_message_allows_five_in_48_hours_less_the_safety() {
    let mut grants = vec![Grant::new(GrantTrigger::Message, at(100), at(101))];
    let last = at(100 + 48 * 3600 - 6);
    assert_eq!(may_send(&grants, last), Some(5));
    assert_eq!(may_send(&grants, at(100 + 48 * 3600 - 5)), None);
    for left in [Some(4), Some(3), Some(2), Some(1), None] {
        spend(&mut grants, last);
        assert_eq!(may_send(&grants, last), left);
    }
}

#[test]
fn the_other_acts_allow_three_in_a_minute() {
    for trigger in [GrantTrigger::Menu, GrantTrigger::Follow, GrantTrigger::Scan] {
        let grants = [Grant::new(trigger, at(0), at(0))];
        assert_eq!(may_send(&grants, at(54)), Some(3), "{trigger}");
        assert_eq!(may_send(&grants, at(55)), None, "{trigger}");
    }
}

#[test]
fn a_push_that_came_late_opens_no_window() {
    let grants = [Grant::new(GrantTrigger::Follow, at(0), at(60))];
    assert_eq!(may_send(&grants, at(60)), None);
}

#[test]
fn a_follow_sees_its_own_sends_counted_against_the_message_too() {
    let mut grants = vec![
        Grant::new(GrantTrigger::Message, at(0), at(0)),
        Grant::new(GrantTrigger::Menu, at(10), at(10)),
    ];
    for _ in 0..3 {
        spend(&mut grants, at(11));
    }
    assert_eq!(may_send(&grants, at(12)), Some(2));
}

#[test]
fn without_any_act_nothing_may_be_sent() {
    assert_eq!(may_send(&[], at(0)), None);
}

#[test]
fn a_word_in_sql_is_read_back() {
    for trigger in GrantTrigger::ALL {
        assert_eq!(trigger.as_str().parse(), Ok(trigger));
    }
    assert!("view".parse::<GrantTrigger>().is_err());
}

/// The platform under its first reading: one allowance, which a new act lifts to at least its own.
#[derive(Default)]
struct Shared {
    left: u32,
    until: i64,
}

impl Shared {
    fn act(&mut self, trigger: GrantTrigger, now: i64) {
        let live = if now < self.until { self.left } else { 0 };
        self.left = live.max(trigger.allowed());
        self.until = self.until.max(now + trigger.limit().as_secs());
    }

    fn send(&mut self, now: i64) -> bool {
        let taken = now < self.until && self.left > 0;
        self.left -= u32::from(taken);
        taken
    }
}

/// The platform under its second reading: an allowance for each trigger, taken from in any order.
#[derive(Default)]
struct Separate([Shared; 4]);

impl Separate {
    fn act(&mut self, trigger: GrantTrigger, now: i64) {
        self.0[trigger as usize] = Shared {
            left: trigger.allowed(),
            until: now + trigger.limit().as_secs(),
        };
    }

    fn send(&mut self, now: i64, first: usize) -> bool {
        (0..4).any(|i| self.0[(first + i) % 4].send(now))
    }
}

#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    Act(usize),
    Send(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..40_i64).prop_map(Step::Wait),
        Just(Step::Wait(24 * 3600)),
        (0..4_usize).prop_map(Step::Act),
        (0..4_usize).prop_map(Step::Send),
        (0..4_usize).prop_map(Step::Send),
    ]
}

proptest! {
    #[test]
    fn whatever_we_allow_the_platform_allows_under_either_reading(
        steps in proptest::collection::vec(step(), 0..60)
    ) {
        let (mut shared, mut separate) = (Shared::default(), Separate::default());
        let mut grants: Vec<Grant> = Vec::new();
        let mut now = 0;
        for step in steps {
            match step {
                Step::Wait(seconds) => now += seconds,
                Step::Act(index) => {
                    let trigger = GrantTrigger::ALL[index];
                    shared.act(trigger, now);
                    separate.act(trigger, now);
                    grants.retain(|grant| grant.trigger != trigger);
                    grants.push(Grant::new(trigger, at(now), at(now)));
                }
                Step::Send(first) => {
                    if may_send(&grants, at(now)).is_some() {
                        prop_assert!(shared.send(now));
                        prop_assert!(separate.send(now, first));
                        spend(&mut grants, at(now));
                    }
                }
            }
        }
    }
}
