//! `menu`: accounts whose menu is kept get it back where WeChat has another.

use super::Job;
use crate::config::load_menu;
use crate::domain::rows::{Changes, NewEffect};
use crate::effects::Context;
use crate::flows::menu;
use crate::kit::transport::BoxFuture;

pub(super) struct Menu(pub(super) Context);

impl Job for Menu {
    fn name(&self) -> &'static str {
        "menu"
    }

    fn is_idle(&self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            let live = self.0.live();
            !live.config.wechat.values().any(|account| account.keep_menu)
        })
    }

    fn run(&self, _run: i64) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async move { self.queue().await })
    }
}

impl Menu {
    /// A file with a fault is told of, and keeps no other account's menu from being looked after.
    async fn queue(&self) -> Result<String, String> {
        let live = self.0.live();
        let (mut effects, mut faults) = (Vec::new(), Vec::new());
        for (id, account) in &live.config.wechat {
            if !account.keep_menu {
                continue;
            }
            match load_menu(&live.config, id) {
                Some(Ok(menu)) => effects.push(NewEffect {
                    // One that waits is looked at when its turn comes, and tomorrow's run sees to the rest.
                    merge: true,
                    ..menu::apply(id, menu)
                }),
                Some(Err(errors)) => faults.push(errors.to_string()),
                None => {}
            }
        }
        let detail = format!("{} menus are looked after", effects.len());
        let changes = Changes {
            effects,
            ..Changes::none()
        };
        let written = self.0.store.write(changes).await;
        faults.extend(written.err().map(|fault| fault.to_string()));
        if faults.is_empty() {
            return Ok(detail);
        }
        Err(format!("{}; {detail}", faults.join("; ")))
    }
}
