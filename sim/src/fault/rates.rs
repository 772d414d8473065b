//! Faults at random: a share of all requests, whatever they ask for.

use rand::RngExt;
use rand::rngs::Xoshiro256PlusPlus;

use super::Kind;

/// How much of everything goes wrong, whatever is asked for: each request meets at most one fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// Share of requests that fail and change nothing, from 0.0 to 1.0.
    pub fail: f64,
    /// How they fail, each as likely: kinds without an effect.
    pub failures: Vec<Kind>,
    /// Share of requests that are carried out without the caller hearing of it; with `fail` at
    /// most 1.0.
    pub lose_after_effect: f64,
    /// How the answer is lost, each as likely: kinds after the effect.
    pub losses: Vec<Kind>,
}

impl Rates {
    /// What is wrong with them, if anything.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let (fail, lose) = (self.fail, self.lose_after_effect);
        let is_quiet = |kind: &Kind| matches!(kind, Kind::Latency { .. });
        if !(fail >= 0.0 && lose >= 0.0 && fail + lose <= 1.0) {
            Some("the shares are not parts of one whole")
        } else if self.failures.iter().any(Kind::has_effect) {
            Some("a failure has an effect")
        } else if self.losses.iter().any(|kind| !kind.has_effect()) {
            Some("a loss has no effect")
        } else if self.losses.iter().any(is_quiet) {
            Some("a late answer is not lost")
        } else if fail > 0.0 && self.failures.is_empty() || lose > 0.0 && self.losses.is_empty() {
            Some("a share has no kind")
        } else {
            None
        }
    }

    /// What befalls the next request.
    pub(super) fn draw(&self, rng: &mut Xoshiro256PlusPlus) -> Option<Kind> {
        let at = rng.random_range(0.0..1.0);
        let kinds = if at < self.fail {
            &self.failures
        } else if at < self.fail + self.lose_after_effect {
            &self.losses
        } else {
            return None;
        };
        Some(kinds[rng.random_range(0..kinds.len())].clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Faults};

    fn fault(json: &str) -> Fault {
        serde_json::from_str(json).unwrap()
    }

    fn rates() -> Rates {
        Rates {
            fail: 0.05,
            failures: vec![
                fault(r#"{"kind":"drop"}"#).kind,
                fault(r#"{"kind":"status","status":500}"#).kind,
            ],
            lose_after_effect: 0.02,
            losses: vec![fault(r#"{"kind":"drop","after_effect":true}"#).kind],
        }
    }

    #[test]
    fn rates_strike_as_often_as_they_say_and_a_seed_repeats_them() {
        const REQUESTS: usize = 100_000;
        let struck = |seed| {
            let mut faults = Faults::default();
            faults.at_rates(seed, rates());
            let kinds: Vec<_> = (0..REQUESTS).map(|_| faults.take("anything")).collect();
            (kinds, faults.hits)
        };
        let (kinds, hits) = struck(1);
        for (name, expected) in [
            ("drop", 2_500),
            ("status", 2_500),
            ("drop_after_effect", 2_000),
        ] {
            assert!(hits[name].abs_diff(expected) < 300, "{name}: {hits:?}");
        }
        assert_eq!(kinds, struck(1).0);
        assert_ne!(kinds, struck(2).0);
    }

    #[test]
    fn an_armed_fault_goes_before_the_rates_and_clearing_all_ends_both() {
        let mut faults = Faults::default();
        let always = Rates {
            fail: 1.0,
            lose_after_effect: 0.0,
            failures: vec![Kind::HtmlBody],
            losses: Vec::new(),
        };
        faults.at_rates(1, always);
        faults.add(fault(r#"{"on":"a","kind":"hang"}"#));
        let hang = Kind::Hang {
            after_effect: false,
        };
        assert_eq!(faults.take("a"), Some(hang));
        assert_eq!(faults.take("a"), Some(Kind::HtmlBody));
        faults.clear(Some("a"));
        assert_eq!(faults.take("a"), Some(Kind::HtmlBody));
        faults.clear(None);
        assert_eq!(faults.take("a"), None);
    }

    #[test]
    fn rates_that_contradict_themselves_are_refused() {
        let whole = rates();
        assert_eq!(whole.fault(), None);
        let drop = |after_effect| vec![Kind::Drop { after_effect }];
        for wrong in [
            Rates {
                fail: 0.99,
                ..whole.clone()
            },
            Rates {
                fail: -0.1,
                ..whole.clone()
            },
            Rates {
                fail: f64::NAN,
                ..whole.clone()
            },
            Rates {
                failures: Vec::new(),
                ..whole.clone()
            },
            Rates {
                failures: drop(true),
                ..whole.clone()
            },
            Rates {
                losses: drop(false),
                ..whole.clone()
            },
            Rates {
                losses: vec![Kind::Latency { millis: 1 }],
                ..whole
            },
        ] {
            assert!(wrong.fault().is_some(), "{wrong:?}");
        }
    }
}
