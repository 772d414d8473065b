//! What `/metrics` shows, once there is something that counts.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::domain::series::{self, Kind};

/// How often what histograms have gathered is put into their buckets when nobody scrapes: until then
/// each value is kept.
const UPKEEP: Duration = Duration::from_secs(10);

/// A handle on the recorder of this process; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<OnceLock<PrometheusHandle>>);

impl Metrics {
    /// Installs the recorder beside the start of everything else: on some processors it first measures
    /// their clock for a fifth of a second. What happens until then is not counted.
    pub fn start() -> Self {
        let metrics = Self::default();
        let place = metrics.clone();
        tokio::spawn(async move {
            let installed = tokio::task::spawn_blocking(install).await;
            match installed {
                Ok(Ok(handle)) => place.keep_up(handle).await,
                Ok(Err(fault)) => tracing::warn!(error = %fault, "there are no metrics"),
                Err(fault) => tracing::warn!(error = %fault, "there are no metrics"),
            }
        });
        metrics
    }

    /// The same at once, for tests: a process has one recorder.
    pub fn installed() -> Result<Self, BuildError> {
        install().map(|handle| Self(Arc::new(OnceLock::from(handle))))
    }

    async fn keep_up(self, handle: PrometheusHandle) {
        // Nobody else writes it.
        let _ = self.0.set(handle.clone());
        loop {
            tokio::time::sleep(UPKEEP).await;
            handle.run_upkeep();
        }
    }

    /// Whether what happens now is counted.
    pub fn counts(&self) -> bool {
        self.0.get().is_some()
    }

    /// Prometheus text; `None` while nothing counts yet.
    pub fn render(&self) -> Option<String> {
        self.0.get().map(PrometheusHandle::render)
    }
}

/// Makes the recorder of this process, with the help of every series and the buckets of each histogram.
fn install() -> Result<PrometheusHandle, BuildError> {
    let mut builder = PrometheusBuilder::new();
    for series in series::ALL {
        if let Kind::Histogram(bounds) = series.kind {
            let only = Matcher::Full(series.name.to_owned());
            builder = builder.set_buckets_for_metric(only, bounds)?;
        }
    }
    let handle = builder.install_recorder()?;
    for series in series::ALL {
        match series.kind {
            Kind::Counter => metrics::describe_counter!(series.name, series.help),
            Kind::Gauge => metrics::describe_gauge!(series.name, series.help),
            Kind::Histogram(_) => metrics::describe_histogram!(series.name, series.help),
        }
    }
    Ok(handle)
}
