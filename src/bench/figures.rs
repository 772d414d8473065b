//! Medians and ratios over interleaved rounds: one machine's speed wanders, so what is compared
//! is measured in turns.

use std::collections::BTreeMap;

/// What was measured of each case, one entry a round.
pub(super) struct Rounds<C, S>(BTreeMap<C, Vec<S>>);

impl<C: Ord + Copy, S> Rounds<C, S> {
    /// Measures every case once a round, every second round in reverse order.
    pub(super) async fn measure(
        rounds: u32,
        cases: &[C],
        mut sample: impl AsyncFnMut(C) -> anyhow::Result<S>,
    ) -> anyhow::Result<Self> {
        let mut samples = BTreeMap::new();
        for round in 0..rounds {
            let mut order = cases.to_vec();
            if round % 2 == 1 {
                order.reverse();
            }
            for case in order {
                samples
                    .entry(case)
                    .or_insert_with(Vec::new)
                    .push(sample(case).await?);
            }
        }
        Ok(Self(samples))
    }

    /// What was measured of one case.
    pub(super) fn of(&self, case: C) -> &[S] {
        self.0.get(&case).map_or(&[], Vec::as_slice)
    }

    /// The median of a figure of one case.
    pub(super) fn median(&self, case: C, figure: impl Fn(&S) -> f64) -> f64 {
        median(self.of(case).iter().map(figure))
    }

    /// The highest of a figure of one case.
    pub(super) fn highest(&self, case: C, figure: impl Fn(&S) -> f64) -> f64 {
        self.of(case).iter().map(figure).fold(0.0, f64::max)
    }

    /// The median of the ratios of one case to another in the same round.
    pub(super) fn ratio(&self, case: C, to: C, figure: impl Fn(&S) -> f64) -> f64 {
        let pairs = self.of(case).iter().zip(self.of(to));
        median(pairs.map(|(of, to)| figure(of) / figure(to)))
    }
}

/// What this share of the figures does not exceed.
pub(super) fn percentile(figures: &[f64], share: f64) -> f64 {
    let mut figures = figures.to_vec();
    figures.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    let at = (figures.len() as f64 * share) as usize;
    figures
        .get(at)
        .or(figures.last())
        .copied()
        .unwrap_or(f64::NAN)
}

/// The median; NaN of nothing.
pub(super) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => figures[middle],
        _ => f64::midpoint(figures[middle - 1], figures[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_second_round_goes_backwards_and_ratios_stay_within_a_round() {
        let mut turns = Vec::new();
        let rounds = Rounds::measure(3, &['a', 'b'], async |case| {
            turns.push(case);
            #[expect(clippy::cast_precision_loss, reason = "six turns")]
            let turn = turns.len() as f64;
            Ok(turn)
        });
        let rounds = rounds.await.unwrap();
        assert_eq!(turns, ['a', 'b', 'b', 'a', 'a', 'b']);
        assert_eq!(rounds.of('a'), [1.0, 4.0, 5.0]);
        assert_eq!(rounds.of('b'), [2.0, 3.0, 6.0]);
        let ratio = rounds.ratio('b', 'a', |turn| *turn);
        assert!((ratio - 1.2).abs() < 1e-9, "{ratio}");
        assert!((rounds.median('a', |turn| *turn) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert!((median([4.0, 1.0, 3.0, 2.0].into_iter()) - 2.5).abs() < 1e-9);
        assert!(median(std::iter::empty()).is_nan());
    }
}
