//! The real daemon at work between both simulated platforms: followers become customers, say
//! things, are answered, and their customers change.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use qiao::app::{Daemon, Doors, Parts, transport};
use qiao::config::{Config, Environment, load_text};
use qiao::kit::clock::ManualClock;
use qiao::kit::random::Random;
use qiao::store::{Opening, Store};
use qiao_sim::c4c::{C4c, Subscription, Variant};
use qiao_sim::clock::SimClock;
use qiao_sim::shell::Server;
use qiao_sim::wechat::{Settings, WeChat};
use tokio::net::TcpListener;

use crate::ledger::{Fact, Ledger};

/// Followers, all at once.
const FOLLOWERS: usize = 6;

/// Lets some people follow, talk and change, and stops.
pub async fn run(database: &Path, ledger: &Arc<Ledger>) {
    let start: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
    let wechat = WeChat::new(Settings::default());
    let wechat = Server::start(port().await, wechat, SimClock::manual(start), 1);
    let c4c = C4c::new(qiao_sim::c4c::Settings::default());
    let c4c = Server::start(port().await, c4c, SimClock::manual(start), 2);
    let opening = Opening {
        watch: Some(Arc::clone(ledger) as _),
        ..Opening::default()
    };
    let clock = Arc::new(ManualClock::new(start));
    let store = Store::open_as(database, clock.clone(), opening).await;
    let store = store.unwrap();
    ledger.opened_empty().await;
    let config = config(wechat.url(), c4c.url());
    let transport = transport(&config.outbound).unwrap();
    let random = Random::from_seed(7);
    let parts = Parts::assemble(config, store, clock, random, transport).await;
    let doors = Doors {
        public: port().await,
        admin: None,
        metrics: None,
        scheduled: false,
    };
    let daemon = Daemon::start(parts.unwrap(), doors).await.unwrap();
    let url = format!("http://{}", daemon.address);
    wechat.with(|wechat, _, _| wechat.settings.push_url = format!("{url}/wechat/main"));
    let notifications = format!("{url}/c4c/main/notifications");
    let subscription =
        Subscription::new(&notifications, Variant::Event).with_credentials("c4c", "notify-secret");
    c4c.with(|c4c, _, _| c4c.notifications().settings.subscriptions = vec![subscription]);
    live(&wechat, &c4c, ledger).await;
    daemon.stop().await;
}

/// Everyone is welcomed, told their CustomerID, heard, and told of a change.
async fn live(wechat: &Server<WeChat>, c4c: &Server<C4c>, ledger: &Ledger) {
    let openids: Vec<String> = wechat.with(|wechat, now, rng| {
        let follow = |_| {
            let openid = wechat.new_follower(rng);
            wechat.follow(&openid, None, now, rng);
            openid
        };
        (0..FOLLOWERS).map(follow).collect()
    });
    until_all_have_seen(wechat, &openids, 2).await;
    for text in ["你好", "还在吗"] {
        for openid in &openids {
            wechat.with(|wechat, now, rng| wechat.say(openid, text, now, rng));
        }
        let answered = |wechat: &WeChat| wechat.is_quiet().then_some(());
        wechat.until(answered).await;
        for openid in &openids {
            let (openid, text) = (openid.clone(), text.to_owned());
            ledger.acknowledged(Fact::Said { openid, text });
        }
    }
    c4c.with(|c4c, now, _| {
        for openid in &openids {
            let object_id = c4c.find_by_wechat_id(openid)[0].object_id.clone();
            assert!(c4c.change(&object_id, &[("Email", "new@example.cn")], now));
        }
    });
    until_all_have_seen(wechat, &openids, 3).await;
}

async fn until_all_have_seen(wechat: &Server<WeChat>, openids: &[String], many: usize) {
    let seen = |wechat: &WeChat| {
        let all = openids
            .iter()
            .all(|openid| wechat.seen(openid).len() >= many);
        all.then_some(())
    };
    wechat.until(seen).await;
}

fn config(wechat: &str, c4c: &str) -> Config {
    let settings = Settings::default();
    let text = format!(
        r#"
[c4c.main]
url = "{c4c}"
username = "qiao"
password = "secret"
notify_username = "c4c"
notify_password = "notify-secret"
[wechat.main]
app_id = "{}"
app_secret = "{}"
token = "{}"
api_url = "{wechat}"
"#,
        settings.app_id, settings.app_secret, settings.token
    );
    let nothing = Environment::from_iter(Vec::<(String, String)>::new());
    let loaded = load_text(&text, Path::new("qiao.toml"), &nothing);
    loaded.expect("the story's configuration").config
}

async fn port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
