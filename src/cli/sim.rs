//! `qiao sim`: one of the platforms, simulated, until Ctrl-C.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand};
use qiao_sim::c4c::{self, C4c, Dialect, Subscription, Variant};
use qiao_sim::clock::SimClock;
use qiao_sim::shell::Server;
use qiao_sim::wechat::{self, WeChat};
use qiao_sim::wire::Core;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use url::Url;

use super::output::say;
use crate::kit::random::Random;

#[derive(Debug, Subcommand)]
pub(super) enum Platform {
    /// Serves a simulated WeChat Official Account
    Wechat(WechatOptions),
    /// Serves a simulated SAP Cloud for Customer tenant
    C4c(C4cOptions),
}

#[derive(Debug, Args)]
pub(super) struct WechatOptions {
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:8091", value_name = "ADDR")]
    listen: SocketAddr,
    /// Where its pushes go, for example `http://127.0.0.1:8080/wechat/main`
    #[arg(long, value_name = "URL")]
    push_url: Option<Url>,
}

#[derive(Debug, Args)]
pub(super) struct C4cOptions {
    /// Where it listens
    #[arg(long, default_value = "127.0.0.1:8092", value_name = "ADDR")]
    listen: SocketAddr,
    /// The JSON of a single entity: C4C's own, or OData V2's
    #[arg(long, default_value = "c4c", value_parser = PossibleValuesParser::new(["c4c", "standard"]).map(|word| dialect(&word)))]
    dialect: Dialect,
    /// Where changes are notified, for example `http://127.0.0.1:8080/c4c/main/notifications`
    #[arg(long, value_name = "URL")]
    notify_url: Option<Url>,
    /// Where agents' answers are posted, for example `http://127.0.0.1:8080/c4c/main/replies`
    #[arg(long, value_name = "URL")]
    replies_url: Option<Url>,
    /// User of the notifications and the answers
    #[arg(long, default_value = "c4c", value_name = "NAME")]
    notify_user: String,
    /// Their password
    #[arg(long, default_value = "secret", value_name = "PASSWORD")]
    notify_password: String,
}

fn dialect(word: &str) -> Dialect {
    match word {
        "standard" => Dialect::Standard,
        _ => Dialect::C4c,
    }
}

pub(super) async fn run(platform: Platform) -> Result<()> {
    match platform {
        Platform::Wechat(options) => wechat(options).await,
        Platform::C4c(options) => c4c(options).await,
    }
}

async fn wechat(options: WechatOptions) -> Result<()> {
    let settings = wechat::Settings {
        push_url: options.push_url.map(String::from).unwrap_or_default(),
        ..wechat::Settings::default()
    };
    let server = start(options.listen, WeChat::new(settings.clone())).await?;
    let guide = wechat_guide(server.url(), &settings);
    until_stopped(server, &guide).await
}

async fn c4c(options: C4cOptions) -> Result<()> {
    let settings = c4c::Settings {
        dialect: options.dialect,
        ..c4c::Settings::default()
    };
    let channel_id = settings.social_providers[0].clone();
    let mut core = C4c::new(settings);
    if let Some(url) = &options.replies_url {
        let replies = &mut core.replies().settings;
        url.as_str().clone_into(&mut replies.url);
        replies.username.clone_from(&options.notify_user);
        replies.password.clone_from(&options.notify_password);
    }
    if let Some(url) = &options.notify_url {
        let subscription = Subscription::new(url.as_str(), Variant::Odata)
            .with_credentials(&options.notify_user, &options.notify_password);
        core.notifications().settings.subscriptions = vec![subscription];
    }
    let server = start(options.listen, core).await?;
    let guide = c4c_guide(server.url(), &options, &channel_id);
    until_stopped(server, &guide).await
}

async fn start<C: Core>(listen: SocketAddr, core: C) -> Result<Server<C>> {
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("cannot listen on {listen}; is it in use?"))?;
    // A seed of its own for each run: the followers of another run are other people.
    let seed = Random::from_system().word();
    Ok(Server::start(listener, core, SimClock::real(), seed))
}

async fn until_stopped<C: Core>(server: Server<C>, guide: &str) -> Result<()> {
    // Whoever has read the guide may press Ctrl-C, so it is heeded from before.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    say(guide)?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    server.stop().await;
    Ok(())
}

fn wechat_guide(url: &str, settings: &wechat::Settings) -> String {
    let wechat::Settings {
        app_id,
        app_secret,
        original_id,
        token,
        push_url,
        ..
    } = settings;
    let pushes = if push_url.is_empty() {
        "nowhere; --push-url http://127.0.0.1:8080/wechat/main sends them to a Qiao".to_owned()
    } else {
        push_url.clone()
    };
    format!(
        r#"WeChat is simulated at {url} until Ctrl-C. Its pushes go to: {pushes}

For qiao.toml:
  [wechat.main]
  app_id = "{app_id}"
  app_secret = "{app_secret}"
  original_id = "{original_id}"
  token = "{token}"
  api_url = "{url}"

Somebody follows, speaks, and looks at what has come:
  curl -d '{{}}' {url}/_control/follow
  curl -d '{{"openid":"OPENID","text":"hello"}}' {url}/_control/say
  curl '{url}/_control/seen?openid=OPENID'
They send a picture, a voice with what was recognised in it, a place, a link (bytes are base64):
  curl -d '{{"openid":"OPENID","base64":"iVBORw0KGgo="}}' {url}/_control/image
  curl -d '{{"openid":"OPENID","base64":"IyFBTVIK","format":"amr","recognition":"hello"}}' {url}/_control/voice
  curl -d '{{"openid":"OPENID","latitude":30.67,"longitude":104.06,"scale":16,"label":"Chengdu"}}' {url}/_control/location
  curl -d '{{"openid":"OPENID","title":"Manual","url":"https://example.cn"}}' {url}/_control/link
  curl {url}/_control/media
They get a tag, and see a menu:
  curl -d '{{"openid":"OPENID","tag":"VIP","platform":1}}' {url}/_control/person
  curl '{url}/_control/menu?openid=OPENID'
Something goes wrong, and time passes:
  curl -d '{{"on":"custom/send","kind":"code","code":45015}}' {url}/_control/faults
  curl -d '{{"advance_seconds":7200}}' {url}/_control/clock
The whole state, and everyone:
  curl {url}/_control/state
  curl {url}/_control/followers"#
    )
}

fn c4c_guide(url: &str, options: &C4cOptions, channel_id: &str) -> String {
    let C4cOptions {
        notify_url,
        replies_url,
        notify_user,
        notify_password,
        ..
    } = options;
    let notices = match notify_url {
        Some(notify_url) => notify_url.to_string(),
        None => {
            "nowhere; --notify-url http://127.0.0.1:8080/c4c/main/notifications sends them to a Qiao"
                .to_owned()
        }
    };
    let answers = match replies_url {
        Some(replies_url) => replies_url.to_string(),
        None => {
            "nowhere; --replies-url http://127.0.0.1:8080/c4c/main/replies posts them to a Qiao"
                .to_owned()
        }
    };
    format!(
        r#"SAP Cloud for Customer is simulated at {url} until Ctrl-C. Its notifications go to: {notices}
Agents' answers go to: {answers}

For qiao.toml:
  [c4c.main]
  url = "{url}"
  username = "qiao"
  password = "secret"
  notify_username = "{notify_user}"
  notify_password = "{notify_password}"
What is said goes into C4C with:
  [wechat.main.conversation]
  into_c4c = "social"
  channel_id = "{channel_id}"

As a client sees it:
  curl -u qiao:secret '{url}/sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection?$format=json'
  curl -u qiao:secret '{url}/sap/c4c/odata/cust/v1/zindividualcustomer/CustomerCommonCollection?$format=json'
An agent creates, looks up and changes a customer:
  curl -d '{{"FirstName":"Li","LastName":"Wang"}}' {url}/_control/customers
  curl {url}/_control/customers
  curl -d '{{"Mobile":"+86 139 0000 0000"}}' {url}/_control/customers/OBJECTID
An agent sees what a follower said, answers their ticket, writes a note, attaches a file, closes it:
  curl '{url}/_control/desk?openid=OPENID'
  curl {url}/_control/activities
  curl {url}/_control/tickets
  curl -d '{{"to":"TICKET","text":"hello","author_name":"Li"}}' {url}/_control/answers
  curl -d '{{"type_code":"10007","text":"hello"}}' {url}/_control/tickets/TICKET/notes
  curl -d '{{"name":"a.txt","mime_type":"text/plain","base64":"YQ=="}}' {url}/_control/tickets/TICKET/files
  curl -X POST {url}/_control/tickets/TICKET/close
Answers are posted more than once, and what became of them:
  curl -d '{{"duplicates":2}}' {url}/_control/replies
Notifications come more than once and in any order, something goes wrong, time passes:
  curl -d '{{"duplicates":2,"shuffle":true}}' {url}/_control/notify
  curl -d '{{"on":"POST","kind":"status","status":503}}' {url}/_control/faults
  curl -d '{{"advance_seconds":7200}}' {url}/_control/clock"#
    )
}
