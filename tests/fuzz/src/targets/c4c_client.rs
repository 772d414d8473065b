//! The client of C4C against any answers: it comes to an end, stays at home and quotes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use qiao::c4c::{Client, Customer, Error, Pace};
use qiao::domain::ids::TenantId;

use crate::Target;
use crate::replay::{self, Replay, assert_sendable};
use crate::told::assert_fit;
use crate::world::{NOW, TENANT_URL, follower, tenant};

pub(crate) const TARGET: Target = Target {
    name: "c4c_client",
    check,
    words: &[
        "\n---\n",
        "200\n\n",
        "201\nlocation: https://my000000.crm.ondemand.com/x('00163EAA11111EE7B8975BD4AB3F0001')\n\n",
        "204\n\n",
        "302\nlocation: https://login.example\n\n",
        "401\n\n",
        "403\nx-csrf-token: Required\n\nCSRF token validation failed",
        "409\n\n",
        "429\nretry-after: 99999999999999999999\n\n",
        "503\nretry-after: Wed, 21 Oct 2015 07:28:00 GMT\ndate: Wed, 21 Oct 2015 07:27:00 GMT\n\n",
        "lost",
        "unsent",
        "x-csrf-token: token",
        "set-cookie: a=b; path=/; domain=.ondemand.com",
        "set-cookie: ",
        "etag: W/\"1\"",
        "{\"d\":{\"results\":[",
        "{\"ObjectID\":\"00163EAA11111EE7B8975BD4AB3F0001\",\"CustomerID\":\"1000441\",",
        "\"LastName\":\"o6_bmjrPTlm6_2sgVt7hMZOPfL2M\"}",
        "\"__next\":\"/sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection?$skiptoken=2\"",
        "\"__next\":\"https://evil.example/\"",
        "<html><title>Log in</title>",
    ],
};

/// The most calls that one question may cost.
const MOST_CALLS: usize = 40;

fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let answers = replay::parts(&text);
    ask(&answers, async |client| {
        let mut from = None;
        for _ in 0..3 {
            let page = client.changed_since(Pace::Bulk, NOW, from.as_deref());
            from = page.await?.next;
            if from.is_none() {
                break;
            }
        }
        Ok(())
    });
    ask(&answers, async |client| {
        let found = client.find_by_openid(Pace::Live, &follower()).await?;
        found.iter().for_each(assert_clean);
        Ok(())
    });
    ask(&answers, async |client| {
        let fields = [("FirstName", "Wechat"), ("LastName", follower().as_str())]
            .map(|(name, text)| (name.to_owned(), text.to_owned()));
        let customer = client.create(Pace::Live, &BTreeMap::from(fields)).await?;
        assert_clean(&customer);
        let id = &customer.object_id;
        client.set_wechat_id(Pace::Live, id, &follower()).await?;
        client.wechat_id(Pace::Live, id).await.map(drop)
    });
}

fn assert_clean(customer: &Customer) {
    assert_fit(&format!("{customer:?}"));
    assert!(!customer.customer_id.as_str().is_empty());
}

/// Asks a client that has just begun.
fn ask(answers: &[&str], question: impl AsyncFnOnce(&Client) -> Result<(), Error>) {
    let replay = Replay::new(answers);
    let client = Client::new(Arc::clone(&replay) as _, tenant(), TenantId::new("main"));
    if let Err(error) = replay::run(question(&client)) {
        let failure = error.failure();
        assert_fit(&failure.message);
        let day = Duration::from_hours(24);
        assert!(failure.retry_after.is_none_or(|wait| wait <= day));
        assert!(failure.pause.is_none_or(|pause| pause.probe_after <= day));
    }
    let asked = replay.asked();
    assert!(asked.len() <= MOST_CALLS, "{} calls", asked.len());
    for request in &asked {
        assert!(request.url.starts_with(&format!("{TENANT_URL}/")));
        assert_sendable(request);
    }
}
