//! `qiao qr create`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use jiff::SignedDuration;

use super::{account, drawn, row, tell};
use crate::cli::output::{object, say};
use crate::cli::{reach, settled};
use crate::config::Config;
use crate::control::Command;
use crate::domain::qr::{Purpose, Scene, Wish};
use crate::domain::schedule;
use crate::kit::random::Random;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum What {
    /// Tells by which campaign a follower came
    Campaign {
        /// What the campaign is called; {campaign} in the fields of a new customer
        name: String,
        #[command(flatten)]
        scene: Chosen,
        #[command(flatten)]
        code: Code,
    },
    /// Links whoever scans it to a customer who exists, once
    Bind {
        /// The customer, by CustomerID or ObjectID
        customer: String,
        /// It links everybody who scans it, and not only the first
        #[arg(long)]
        reusable: bool,
        #[command(flatten)]
        code: Code,
    },
    /// Brings the next conversation of whoever scans it to an agent
    Agent {
        /// The agent's employee ID in C4C
        employee: String,
        #[command(flatten)]
        scene: Chosen,
        #[command(flatten)]
        code: Code,
    },
}

/// What every code has.
#[derive(Debug, Args)]
pub(in crate::cli) struct Code {
    /// In which account, as [wechat.ACCOUNT]; needed when there are several
    #[arg(long)]
    account: Option<String>,
    #[command(flatten)]
    lasting: Lasting,
    /// How long a temporary one lives, at most 30 days
    #[arg(long, value_name = "TIME", default_value = "7 d", value_parser = lifetime, conflicts_with = "permanent")]
    expires: SignedDuration,
    /// Draws it into this file
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Prints a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Lasting {
    /// It ends by itself; there may be any number of them
    #[arg(long)]
    temporary: bool,
    /// It never ends; an account has 100,000 of them at most
    #[arg(long)]
    permanent: bool,
}

/// How WeChat is to know it.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct Chosen {
    /// The scene: 1 to 64 letters, digits, - or _ [default: what it is for]
    #[arg(long)]
    scene: Option<String>,
    /// A number as the scene, for systems that know nothing else
    #[arg(long, value_name = "NUMBER")]
    scene_id: Option<u32>,
}

impl Chosen {
    fn scene(self) -> Option<Scene> {
        let number = self.scene_id.map(Scene::Number);
        number.or(self.scene.map(Scene::Text))
    }
}

pub(super) fn purposes() -> impl TypedValueParser<Value = Purpose> {
    PossibleValuesParser::new(Purpose::ALL.map(Purpose::as_str))
        .map(|word| Purpose::parse(&word).expect("one of the possible values"))
}

/// `7 d`
fn lifetime(text: &str) -> Result<SignedDuration, String> {
    let told = "write a whole number and s, min, h or d, for example \"7 d\"";
    schedule::span(text).ok_or_else(|| told.to_owned())
}

pub(super) async fn run(config: Config, what: What) -> Result<()> {
    let (purpose, target, scene, reusable, code) = match what {
        What::Campaign { name, scene, code } => {
            (Purpose::Campaign, name, scene.scene(), false, code)
        }
        What::Bind {
            customer,
            reusable,
            code,
        } => (Purpose::Bind, customer, None, reusable, code),
        What::Agent {
            employee,
            scene,
            code,
        } => (Purpose::Agent, employee, scene.scene(), false, code),
    };
    let wish = Wish {
        purpose,
        target,
        scene,
        lifetime: code.lasting.temporary.then_some(code.expires),
        reusable,
    };
    create(config, wish, &code).await
}

async fn create(config: Config, wish: Wish, code: &Code) -> Result<()> {
    let account = account(&config, code.account.as_deref())?;
    let nonce = Random::from_system().bytes();
    let scene = wish.scene(nonce)?.text();
    let command = Command::QrCreate {
        account: account.clone(),
        wish,
        nonce,
    };
    let settled = settled::order(config.clone(), command).await?;
    settled.told()?;
    let store = reach::reading(&config).await?;
    let made = store.qr_code(&account, &scene).await?;
    let made = made.context("the code was deleted meanwhile")?;
    if let Some(file) = &code.png {
        drawn(&made, file)?;
    }
    if code.json {
        return object(&row(&made));
    }
    tell(&row(&made))?;
    match &code.png {
        Some(file) => say(&format!("drawn into {}", file.display())),
        None => say(&format!(
            "`qiao qr show {scene} --account {account} --png FILE` draws it"
        )),
    }
}
