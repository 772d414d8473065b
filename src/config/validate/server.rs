//! `[server]`, `[database]`, `[backup]`, `[outbound]` and `[reconcile]`.

use std::path::Path;

use url::Url;

use super::forms;
use crate::config::defaults;
use crate::config::error::Fault;
use crate::config::tree::{Reading, Section};
use crate::config::types::{BackupPlan, Database, Outbound, Reconcile, Server};

pub(super) fn server(section: &Section<'_>) -> Reading<Server> {
    let listen = section.or("listen", defaults::LISTEN, forms::socket);
    let admin_listen = section.optional("admin_listen", forms::socket);
    let public_url = section.optional("public_url", forms::base_url);
    let trusted_proxies = section.list("trusted_proxies", forms::ip);
    let time_zone = section.or("time_zone", defaults::TIME_ZONE, forms::time_zone);
    let (listen, admin_listen, public_url) = (listen?, admin_listen?, public_url?);

    if admin_listen == Some(listen) {
        let fault = Fault::new(
            "this is the address of server.listen",
            "choose another port",
        );
        return Err(section.error("admin_listen", fault));
    }
    if admin_listen.is_none() && !listen.ip().is_loopback() {
        let warning = "it is empty and server.listen can be reached from outside, \
                       so /metrics can be read there too";
        section.warn("admin_listen", warning);
    }
    if public_url.is_none() {
        let warning = "it is not set, so links to qiao lead to server.listen";
        section.warn("public_url", warning);
    }
    if public_url
        .as_ref()
        .is_some_and(forms::is_readable_on_the_way)
    {
        section.warn("public_url", forms::READABLE_ON_THE_WAY);
    }
    Ok(Server {
        listen,
        admin_listen,
        public_url: public_url.unwrap_or_else(|| {
            Url::parse(&format!("http://{listen}")).expect("a socket address makes a URL")
        }),
        trusted_proxies: trusted_proxies?.unwrap_or_else(default_proxies),
        time_zone: time_zone?,
    })
}

fn default_proxies() -> Vec<std::net::IpAddr> {
    let parse = |ip: &str| ip.parse().expect("the defaults are addresses");
    defaults::TRUSTED_PROXIES.map(parse).to_vec()
}

pub(super) fn database(section: &Section<'_>) -> Reading<Database> {
    let file = section.or("url", defaults::DATABASE_URL, forms::sqlite_file);
    let litestream = section.or(
        "litestream",
        defaults::LITESTREAM,
        forms::choice(&forms::SWITCH),
    );
    Ok(Database {
        path: section.run.folder.join(file?),
        litestream: litestream?,
    })
}

/// More than three years of daily ones; each is a whole copy.
const MOST_KEPT: i64 = 1000;

/// Without a folder they lie beside the database, which is where the daemon may write.
pub(super) fn backup(section: &Section<'_>, database: &Path) -> Reading<BackupPlan> {
    let folder = section.optional("folder", forms::text);
    let keep = section.number("keep").and_then(|keep| {
        let keep = keep.unwrap_or(defaults::BACKUP_KEEP);
        let kept = usize::try_from(keep).ok().filter(|_| keep <= MOST_KEPT);
        kept.ok_or_else(|| {
            let reason = format!("the number is not between 0 and {MOST_KEPT}");
            section.error("keep", Fault::new(reason, "write how many are kept"))
        })
    });
    Ok(BackupPlan {
        folder: match folder? {
            Some(folder) => section.run.folder.join(folder),
            None => database.with_file_name(defaults::BACKUP_FOLDER),
        },
        keep: keep?,
    })
}

pub(super) fn outbound(section: &Section<'_>) -> Reading<Outbound> {
    // A proxy's URL may hold credentials, so it may stand outside the file like a secret.
    let proxy = section.optional("proxy", section.unlocked(proxy_url));
    let no_proxy = section.optional("no_proxy", forms::text);
    let ca_file = section.optional("ca_file", forms::text);
    Ok(Outbound {
        proxy: proxy?.unwrap_or_default(),
        no_proxy: no_proxy?.unwrap_or_default(),
        ca_file: ca_file?.map(|file| section.run.folder.join(file)),
    })
}

pub(super) fn reconcile(section: &Section<'_>) -> Reading<Reconcile> {
    let number = section.number("max_repairs")?;
    let allowed = u32::try_from(number.unwrap_or(defaults::MAX_REPAIRS));
    let max_repairs = allowed.map_err(|_| {
        let fault = Fault::new("the number is negative or too large", "1000 suits most");
        section.error("max_repairs", fault)
    });
    Ok(Reconcile {
        max_repairs: max_repairs?,
    })
}

fn proxy_url(text: &str) -> Result<String, Fault> {
    forms::http_url(text).map(|url| forms::without_slash(&url))
}
