//! The composition root: from a valid configuration to a running daemon.
//!
//! The only place that knows every part. Start reading at [`Parts::assemble`], then
//! [`Daemon::start`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_cron_scheduler::JobScheduler;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, Outbound, Tenant};
use crate::control::{Controls, socket};
use crate::domain::rows::names;
use crate::effects::{self, Context, Live};
use crate::flows::sending::HELD_PASSIVE;
use crate::http::{Door, Edge, Guest, Metrics, admin_router, public_router};
use crate::jobs::Timetable;
use crate::kit::clock::Clock;
use crate::kit::media::MediaFolder;
use crate::kit::random::Random;
use crate::kit::reqwest_transport::{ReqwestTransport, Route};
use crate::kit::transport::Transport;
use crate::outbox::{Closure, Engine, Remote};
use crate::store::Store;

/// Attempts at once for one account: WeChat answers in tens of milliseconds and limits by the
/// minute, not by connections.
const WECHAT_SLOTS: usize = 16;

/// Answer hooks at once for one account: somebody waits for each.
const HOOK_SLOTS: usize = 32;

/// How long work under way may take to end after a stop was asked for.
const STOP_PATIENCE: Duration = Duration::from_secs(8);

/// The connections of the HTTP servers get less: nobody is owed an answer after the stop.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// The daemon's parts, put together but not running.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Store, clock, configuration, clients.
    pub context: Context,
    /// The outbox engine.
    pub engine: Engine,
    /// The jobs.
    pub timetable: Timetable,
}

impl Parts {
    /// Puts everything together.
    pub async fn assemble(
        config: Config,
        store: Store,
        clock: Arc<dyn Clock>,
        random: Random,
        transport: Arc<dyn Transport>,
    ) -> anyhow::Result<Self> {
        let live = Live::new(config, &transport)?;
        let remotes = remotes(&live.config);
        // Whoever holds the lock of the database beside it is its only writer.
        let folder = MediaFolder::beside(store.path());
        let media = if store.is_read_only() {
            MediaFolder::of_another(folder)
        } else {
            MediaFolder::new(folder).await?
        };
        let context = Context::new(store, clock, random, transport, media, live).await?;
        for account in context.live().config.wechat.keys() {
            if context
                .store
                .any_held(&names::wechat(account), HELD_PASSIVE)
                .await?
            {
                context.set_passive_only(account);
            }
        }
        let engine = Engine::new(
            context.store.clone(),
            Arc::clone(&context.clock),
            context.random.clone(),
            remotes,
            effects::register(&context),
        );
        let timetable = Timetable::new(&context);
        Ok(Self {
            context,
            engine,
            timetable,
        })
    }

    /// What carries commands out.
    pub fn controls(&self) -> Controls {
        Controls {
            context: self.context.clone(),
            timetable: self.timetable.clone(),
        }
    }
}

/// The way to the network that `[outbound]` describes.
pub fn transport(outbound: &Outbound) -> anyhow::Result<Arc<dyn Transport>> {
    let route = Route {
        proxy: &outbound.proxy,
        no_proxy: &outbound.no_proxy,
        ca_file: outbound.ca_file.as_deref(),
    };
    Ok(Arc::new(ReqwestTransport::new(&route)?))
}

fn remotes(config: &Config) -> Vec<Remote> {
    let open = |name, slots| Remote {
        name,
        slots,
        ahead: 0,
        closure: None,
    };
    let mut remotes = Vec::new();
    for id in config.wechat.keys() {
        remotes.push(open(names::wechat(id), WECHAT_SLOTS));
        remotes.push(open(names::hook(id), HOOK_SLOTS));
    }
    for (id, tenant) in &config.c4c {
        remotes.push(Remote {
            name: names::c4c(id),
            slots: tenant.max_calls,
            // One for each: a slot never waits for the commit of what it did.
            ahead: tenant.max_calls,
            closure: closure(tenant),
        });
    }
    remotes
}

fn closure(tenant: &Tenant) -> Option<Closure> {
    let windows = tenant.maintenance.clone();
    (!windows.is_empty()).then(|| -> Closure {
        Arc::new(move |now| {
            windows
                .iter()
                .filter_map(|window| window.end_if_open(now))
                .max()
        })
    })
}

/// A running daemon.
#[derive(Debug)]
pub struct Daemon {
    /// Its parts.
    pub parts: Parts,
    /// Where it listens.
    pub address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    delivery: JoinHandle<()>,
    scheduler: Option<JobSchedulerHandle>,
}

struct JobSchedulerHandle(JobScheduler);

impl std::fmt::Debug for JobSchedulerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JobScheduler")
    }
}

/// Where a daemon listens, and what it is given from outside.
#[derive(Debug)]
pub struct Doors {
    /// For the world.
    pub public: TcpListener,
    /// For operators; `None` when they share the public one.
    pub admin: Option<TcpListener>,
    /// For `/metrics`.
    pub metrics: Option<Metrics>,
    /// Whether the scheduler wakes the timetable; tests and the simulation do it by hand.
    pub scheduled: bool,
}

impl Daemon {
    /// Recovers what the last run left, then opens the doors and starts to deliver.
    pub async fn start(parts: Parts, doors: Doors) -> anyhow::Result<Self> {
        let uncertain = parts.context.store.recover().await?;
        if uncertain > 0 {
            tracing::warn!(
                uncertain,
                "attempts were cut off; they are looked up before resending"
            );
        }
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let address = doors.public.local_addr()?;
        let edge = Edge::new(parts.context.clone(), parts.engine.clone(), doors.metrics);
        let public = public_router(edge.clone(), doors.admin.is_none());
        tasks.spawn(serve(doors.public, public, stop.clone()));
        if let Some(admin) = doors.admin {
            tasks.spawn(serve(admin, admin_router(edge), stop.clone()));
        }
        let path = socket::path_for(parts.context.store.path());
        let listener = socket::listen(&path)?;
        let control = socket::service(parts.controls());
        let stopped = stop.clone();
        tasks.spawn(async move {
            let served = axum::serve(listener, control)
                .with_graceful_shutdown(stopped.cancelled_owned())
                .await;
            if let Err(fault) = served {
                tracing::error!(error = %fault, "the control socket closed");
            }
        });
        let engine = parts.engine.clone();
        let stopped = stop.clone();
        let delivery = tokio::spawn(async move { engine.run(stopped).await });
        let scheduler = if doors.scheduled {
            Some(JobSchedulerHandle(parts.timetable.start().await?))
        } else {
            None
        };
        Ok(Self {
            parts,
            address,
            stop,
            tasks,
            delivery,
            scheduler,
        })
    }

    /// Takes nothing more, lets work under way end within 8 s, and closes. What does not end is
    /// found running at the next start and looked up before it is done again.
    pub async fn stop(mut self) {
        if let Some(JobSchedulerHandle(scheduler)) = self.scheduler.as_mut() {
            // It only wakes; whatever it answers, nothing more is started below.
            let _ = scheduler.shutdown().await;
        }
        self.stop.cancel();
        self.tasks.close();
        let work = async {
            if let Err(fault) = self.delivery.await {
                tracing::error!(error = %fault, "the engine's loop broke");
            }
            self.parts.timetable.drained(STOP_PATIENCE).await;
        };
        if tokio::time::timeout(STOP_PATIENCE, work).await.is_err() {
            tracing::warn!("work under way did not end in time; it resumes at the next start");
        }
        let _ = tokio::time::timeout(CLOSE_PATIENCE, self.tasks.wait()).await;
        let store = &self.parts.context.store;
        let _ = std::fs::remove_file(socket::path_for(store.path()));
        store.close().await;
    }
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let door = Door::new(listener).tap_io(Guest::answer_at_once);
    let served = axum::serve(door, service).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(fault) = served.await {
        tracing::error!(error = %fault, "an HTTP server closed");
    }
}
