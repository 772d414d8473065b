//! `[wechat.<account>]`.

use secrecy::SecretString;
use url::Url;

use super::{conversation, forms, map, rules, texts};
use crate::config::defaults;
use crate::config::error::Fault;
use crate::config::tree::{Reading, Section};
use crate::config::types::{Account, ExistingFollowers, OnUnfollow, TokenSource, UncertainSend};
use crate::domain::ids::TenantId;

pub(super) fn account(section: &Section<'_>, tenants: &[TenantId]) -> Reading<Account> {
    let app_id = section.required("app_id", forms::app_id);
    let app_secret = section.required_secret("app_secret", forms::any_secret);
    let original_id = section.optional("original_id", forms::original_id);
    let mp_verify = section.list("mp_verify", forms::mp_verify);
    let tokens = tokens(section);
    let aes_keys = section.secrets("encoding_aes_key", forms::aes_key);
    let access_token = section.or(
        "access_token",
        defaults::ACCESS_TOKEN,
        section.unlocked(token_source),
    );
    let api_url = section.or("api_url", defaults::API_URL, forms::base_url);
    let oauth_url = section.or("oauth_url", defaults::OAUTH_URL, forms::base_url);
    let jssdk_url = section.or("jssdk_url", defaults::JSSDK_URL, forms::http_url);
    let locations = map::locations(section);
    let tenant = tenant(section, tenants);
    let (on_unfollow, existing_followers, uncertain_send) = (
        on_unfollow(section),
        existing_followers(section),
        uncertain_send(section),
    );
    let migrated_from = section.optional("migrated_from", forms::app_id);
    let answer_hook = section.optional("answer_hook", section.unlocked(forms::http_url));
    let menu = section.optional("menu", |file: &str| Ok(section.run.folder.join(file)));
    let keep_menu = keep_menu(section);
    let conversation = section
        .section("conversation")
        .and_then(|s| conversation::rules(&s));
    let texts = section.section("texts").and_then(|s| texts::texts(&s));
    let templates = section
        .section("templates")
        .and_then(|s| texts::templates(&s));
    let rules = rules::rules(section);

    let account = Account {
        app_id: app_id?,
        app_secret: app_secret?,
        original_id: original_id?,
        mp_verify: mp_verify?.unwrap_or_default(),
        tokens: tokens?,
        aes_keys: aes_keys?,
        access_token: access_token?,
        api_url: forms::without_slash(&api_url?),
        oauth_url: forms::without_slash(&oauth_url?),
        jssdk_url: jssdk_url?,
        tenant: tenant?,
        on_unfollow: on_unfollow?,
        existing_followers: existing_followers?,
        migrated_from: migrated_from?,
        uncertain_send: uncertain_send?,
        menu: menu?,
        keep_menu: keep_menu?,
        conversation: conversation?,
        locations: locations?,
        answer_hook: answer_hook?,
        texts: texts?,
        templates: templates?,
        rules: rules?,
    };
    warn(section, &account);
    Ok(account)
}

fn tokens(section: &Section<'_>) -> Reading<Vec<SecretString>> {
    let tokens = section.secrets("token", forms::token)?;
    if tokens.is_empty() {
        return Err(section.missing("token"));
    }
    Ok(tokens)
}

fn token_source(text: &str) -> Result<TokenSource, Fault> {
    match text {
        "stable_token" => Ok(TokenSource::StableToken),
        "token" => Ok(TokenSource::Token),
        url => forms::http_url(url).map(TokenSource::Central).map_err(|_| {
            let remedy = "write \"stable_token\", \"token\" or the URL of a central token service";
            Fault::new("this is neither a known word nor a URL", remedy)
        }),
    }
}

/// With a single tenant there is nothing to choose.
fn tenant(section: &Section<'_>, tenants: &[TenantId]) -> Reading<TenantId> {
    let chosen = section.optional("tenant", forms::text)?.map(TenantId::new);
    match (chosen, tenants) {
        (Some(chosen), _) if tenants.contains(&chosen) => Ok(chosen),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(section.missing("tenant")),
        (Some(_), tenants) => {
            let known: Vec<_> = tenants.iter().map(ToString::to_string).collect();
            let remedy = match known.as_slice() {
                [] => "add a table [c4c.<tenant>]".to_owned(),
                known => format!("write one of {}, or add its table", known.join(", ")),
            };
            Err(section.error(
                "tenant",
                Fault::new("there is no such table [c4c.<tenant>]", remedy),
            ))
        }
    }
}

fn on_unfollow(section: &Section<'_>) -> Reading<OnUnfollow> {
    let words = [("keep", OnUnfollow::Keep), ("erase", OnUnfollow::Erase)];
    section.or("on_unfollow", defaults::ON_UNFOLLOW, forms::choice(&words))
}

fn existing_followers(section: &Section<'_>) -> Reading<ExistingFollowers> {
    let words = [
        ("on_contact", ExistingFollowers::OnContact),
        ("import", ExistingFollowers::Import),
    ];
    section.or(
        "existing_followers",
        defaults::EXISTING_FOLLOWERS,
        forms::choice(&words),
    )
}

fn uncertain_send(section: &Section<'_>) -> Reading<UncertainSend> {
    let words = [
        ("hold", UncertainSend::Hold),
        ("resend", UncertainSend::Resend),
    ];
    section.or(
        "uncertain_send",
        defaults::UNCERTAIN_SEND,
        forms::choice(&words),
    )
}

/// What nobody wrote cannot be kept.
fn keep_menu(section: &Section<'_>) -> Reading<bool> {
    let keeps = section.or(
        "keep_menu",
        defaults::KEEP_MENU,
        forms::choice(&forms::SWITCH),
    )?;
    let has_menu = section
        .text("menu")
        .is_ok_and(|file| file.is_some_and(|f| !f.is_empty()));
    if keeps && !has_menu {
        let remedy = "name its file under menu, or write \"off\"";
        let fault = Fault::new("there is no menu to keep", remedy);
        return Err(section.error("keep_menu", fault));
    }
    Ok(keeps)
}

fn warn(section: &Section<'_>, account: &Account) {
    if account.migrated_from.as_ref() == Some(&account.app_id) {
        let warning = "it is the account's own AppID; name the one from before the migration";
        section.warn("migrated_from", warning);
    }
    if account.aes_keys.is_empty() {
        let warning = "it is not set, so WeChat's pushes come in plaintext";
        section.warn("encoding_aes_key", warning);
    }
    if account.uncertain_send == UncertainSend::Resend {
        let warning = "with \"resend\", a follower may get a message twice";
        section.warn("uncertain_send", warning);
    }
    let central = match &account.access_token {
        TokenSource::Central(url) => Some(url.clone()),
        TokenSource::StableToken | TokenSource::Token => None,
    };
    for (key, url) in [
        ("access_token", central),
        ("api_url", Url::parse(&account.api_url).ok()),
        ("oauth_url", Url::parse(&account.oauth_url).ok()),
        ("jssdk_url", Some(account.jssdk_url.clone())),
        ("answer_hook", account.answer_hook.clone()),
    ] {
        if url.as_ref().is_some_and(forms::is_readable_on_the_way) {
            section.warn(key, forms::READABLE_ON_THE_WAY);
        }
    }
}
