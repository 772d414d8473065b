//! What `/metrics` shows, once there is something that counts.

use std::sync::{Arc, OnceLock};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// A handle on the recorder of this process; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<OnceLock<PrometheusHandle>>);

impl Metrics {
    /// Installs the recorder beside the start of everything else: on some processors it first measures
    /// their clock for a fifth of a second. What happens until then is not counted.
    pub fn start() -> Self {
        let metrics = Self::default();
        let place = metrics.clone();
        tokio::task::spawn_blocking(move || {
            match PrometheusBuilder::new().install_recorder() {
                // Nobody else writes it.
                Ok(handle) => drop(place.0.set(handle)),
                Err(fault) => tracing::warn!(error = %fault, "there are no metrics"),
            }
        });
        metrics
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

impl From<PrometheusHandle> for Metrics {
    fn from(handle: PrometheusHandle) -> Self {
        Self(Arc::new(OnceLock::from(handle)))
    }
}
