//! What is broken between this machine and the platforms, or there.

use std::time::Duration;

use qiao::doctor::Outcome;
use qiao_sim::fault::{Kind, UNTIL_CLEARED};

use super::ward::{Ward, nobody, proxy, stories, yes_man};

/// C4C refuses the right to read a set.
fn forbid(ward: &Ward, set: &str) {
    let forbidden = Kind::Code {
        code: 403,
        after_effect: false,
    };
    let on = format!("GET /sap/c4c/odata/{set}");
    ward.world.c4c_fails_for(&on, forbidden, UNTIL_CLEARED);
}

/// The doctor looks for the tenant at another address.
fn move_tenant(ward: &mut Ward, to: &str) {
    let from = ward.world.c4c.url().to_owned();
    ward.change(&from, to);
}

/// Somebody else answers at our public address.
async fn hijack(ward: &mut Ward) {
    let ours = format!("public_url = \"{}\"", ward.world.url());
    let theirs = format!("public_url = \"{}\"", yes_man().await);
    ward.change(&ours, &theirs);
}

stories! {
    clock_skew Failed |ward| {
        ward.world.wechat.clock().advance(Duration::from_mins(10));
    }

    network_route Failed |ward| {
        ward.change("[c4c.main]\n", "[outbound]\nca_file = \"gone.pem\"\n[c4c.main]\n");
    }
    network_dns Failed |ward| {
        move_tenant(&mut ward, "http://c4c.invalid");
    }
    network_connect Failed |ward| {
        move_tenant(&mut ward, &nobody().await);
    }
    network_answers Failed |ward| {
        let silent = Kind::Drop { after_effect: false };
        ward.world.wechat_fails_for("", silent, UNTIL_CLEARED);
    }

    wechat_token Failed |ward| {
        ward.world.wechat.with(|wechat, _, _| {
            "anothersecret".clone_into(&mut wechat.settings.app_secret);
        });
    }
    wechat_address Failed |ward| {
        ward.world.wechat.with(|wechat, _, _| {
            wechat.settings.ip_allow_list = vec!["203.0.113.9".to_owned()];
        });
    }
    wechat_may_send Warning |ward| {
        ward.world.wechat.with(|wechat, _, _| wechat.settings.may_send = false);
        ward.world.follow(&ward.world.somebody());
        ward.world.settled().await;
    }
    wechat_menu Warning |ward| {
        let menu = "[[button]]\nname = \"a\"\ntype = \"click\"\nkey = \"k\"\n";
        std::fs::write(ward.world.folder.path().join("menu.toml"), menu).unwrap();
        ward.change("app_id =", "menu = \"menu.toml\"\napp_id =");
    }
    wechat_quota Failed |ward| {
        ward.world.wechat.with(|wechat, _, _| {
            let limits = &mut wechat.settings.daily_limits;
            limits.insert("/cgi-bin/message/custom/send".to_owned(), 0);
        });
    }
    wechat_callback Failed |ward| {
        ward.world.wechat.with(|wechat, _, _| {
            wechat.settings.callback_losses = vec!["100%".to_owned(); 2];
        });
    }
    wechat_webhook_accepts Failed |ward| {
        ward.change("token = \"simtoken\"", "token = \"othertoken\"");
    }
    wechat_webhook_refuses Failed |ward| {
        hijack(&mut ward).await;
    }

    c4c_login Failed |ward| {
        ward.world.c4c.with(|c4c, _, _| c4c.users().set_locked("agent", true));
    }
    c4c_csrf Warning |ward| {
        ward.world.c4c.with(|c4c, _, _| c4c.configure(|s| s.token_fetch_fails = true));
    }
    c4c_csrf_refused Failed |ward| {
        let done = Kind::Status { status: 204, html: false, retry_after: None };
        ward.world.c4c_fails_for("PATCH ", done, UNTIL_CLEARED);
    }
    c4c_customers Failed |ward| {
        forbid(&ward, "v1/c4codataapi/IndividualCustomerCollection");
    }
    c4c_wechat_id Failed |ward| {
        forbid(&ward, "cust/v1/zindividualcustomer/CustomerCommonCollection");
    }
    c4c_profiles Failed |ward| {
        forbid(&ward, "v1/c4codataapi/SocialMediaUserProfileCollection");
    }
    c4c_activities Failed |ward| {
        forbid(&ward, "v1/c4codataapi/SocialMediaActivityCollection");
    }
    c4c_tickets Failed |ward| {
        forbid(&ward, "v1/c4codataapi/ServiceRequestCollection");
    }
    c4c_ticket_references Failed |ward| {
        forbid(&ward, "v1/c4codataapi/ServiceRequestBusinessTransactionDocumentReference");
    }
    c4c_attachments Failed |ward| {
        forbid(&ward, "v1/c4codataapi/ServiceRequestAttachmentFolderCollection");
    }
    c4c_endpoint_accepts Failed |ward| {
        ward.change("notify-secret", "another-secret");
    }
    c4c_endpoint_refuses Failed |ward| {
        hijack(&mut ward).await;
    }

    c4c_metadata Failed |ward| {
        ward.world.c4c_fails_for("$metadata", Kind::HtmlBody, UNTIL_CLEARED);
    }
    c4c_wechat_id_field Failed |ward| {
        ward.tenant("wechat_id = { field = \"WechatID_KUT\", write = \"create\" }");
    }
    c4c_wechat_id_writable Failed |ward| {
        ward.tenant("wechat_id = { field = \"ObjectID\", write = \"create\" }");
    }
    c4c_lookup Warning |ward| {
        // LastName is left.
        ward.world.c4c.with(|c4c, _, _| c4c.configure(|s| s.wechat_id_filterable = false));
    }
    c4c_watch Failed |ward| {
        ward.tenant("watch = [\"FirstName\", \"Frstname\"]");
    }
    c4c_create_fields Failed |ward| {
        ward.tenant("customer = { LastName = \"{openid}\", CreatedBy = \"me\" }");
    }
    c4c_changes Warning |ward| {
        ward.tenant("service = \"/sap/c4c/odata/cust/v1/zindividualcustomer\"");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_that_wechat_sees_is_told() {
    let ward = Ward::new().await;
    ward.world.wechat.with(|wechat, _, _| {
        wechat.settings.ip_allow_list = vec!["203.0.113.9".to_owned()];
    });
    let rows = ward.examine().await;
    let row = rows
        .iter()
        .find(|row| row.check.id == "wechat.address")
        .unwrap();
    assert!(row.evidence[0].contains("127.0.0.1"), "{row:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_that_cannot_be_searched_by_openid_is_a_failure() {
    let mut ward = Ward::new().await;
    ward.world
        .c4c
        .with(|c4c, _, _| c4c.configure(|s| s.wechat_id_filterable = false));
    ward.tenant("lookup = [\"wechat_id\"]");
    ward.shows("c4c_lookup", Outcome::Failed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_technical_user_needs_no_csrf_token_and_nothing_is_wrong_with_that() {
    let mut ward = Ward::new().await;
    ward.change("username = \"agent\"", "username = \"qiao\"");
    let rows = ward.examine().await;
    for id in ["c4c.login", "c4c.csrf", "c4c.csrf_refused"] {
        let row = rows.iter().find(|row| row.check.id == id).unwrap();
        assert_eq!(row.outcome, Outcome::Ok, "{row:?}");
    }
}

/// A proxy through which all goes that the doctor asks, our own URL too.
async fn through_proxy(status: u16) -> Ward {
    let mut ward = Ward::new().await;
    let proxy = proxy(status).await.replace("://", "://canary:canary@");
    let outbound = format!("[outbound]\nproxy = \"{proxy}\"\n[c4c.main]\n");
    ward.change("[c4c.main]\n", &outbound);
    ward
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_wants_credentials_is_told_as_that_and_not_as_an_answer_of_the_host() {
    let ward = through_proxy(407).await;
    let rows = ward.examine().await;
    let of = |id: &'static str| rows.iter().filter(move |row| row.check.id == id);
    assert_eq!(of("network.answers").count(), 3);
    for row in of("network.answers") {
        assert_eq!(row.outcome, Outcome::Failed, "{row:?}");
        assert_eq!(row.evidence[0], "the proxy wants credentials");
    }
    // The proxy itself is there, and what lies behind it is its own business.
    let reached: Vec<Outcome> = of("network.connect").map(|row| row.outcome).collect();
    assert_eq!(
        reached.iter().filter(|it| **it == Outcome::Ok).count(),
        1,
        "{reached:?}"
    );
    assert!(reached[1..].iter().all(|it| *it == Outcome::Skipped));
    assert!(!format!("{rows:?}").contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_lets_nobody_through_to_https_fails_without_showing_its_credentials() {
    let mut ward = through_proxy(403).await;
    move_tenant(&mut ward, "https://c4c.invalid");
    let rows = ward.examine().await;
    let of = |id: &str, subject: &str| {
        let row = rows
            .iter()
            .find(|row| row.check.id == id && row.subject == subject);
        row.unwrap_or_else(|| panic!("{id} {subject} in {rows:#?}"))
            .outcome
    };
    assert_eq!(of("network.answers", "c4c.invalid:443"), Outcome::Failed);
    assert_eq!(of("network.dns", "c4c.invalid:443"), Outcome::Skipped);
    assert_eq!(of("c4c.login", "main"), Outcome::Failed);
    assert!(!format!("{rows:?}").contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_not_there_is_named_as_what_cannot_be_reached() {
    let mut ward = Ward::new().await;
    let gone = nobody().await;
    let outbound = format!("[outbound]\nproxy = \"{gone}\"\n[c4c.main]\n");
    ward.change("[c4c.main]\n", &outbound);
    let rows = ward.examine().await;
    let failed = rows.iter().find(|row| row.check.id == "network.connect");
    let failed = failed.unwrap();
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(format!("http://{}", failed.subject), gone);
}
