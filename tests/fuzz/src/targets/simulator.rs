//! Both simulators against any request: they are servers too, and answer whatever comes.

use qiao_sim::c4c::{self, C4c};
use qiao_sim::wechat::{self, WeChat};
use qiao_sim::wire::{Core, Delivery, Request};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::Target;
use crate::world::NOW;

pub(crate) const TARGET: Target = Target {
    name: "simulator",
    check,
    words: &[
        "GET ",
        "POST ",
        "PATCH ",
        "DELETE ",
        "/sap/c4c/odata/v1/c4codataapi/IndividualCustomerCollection",
        "/sap/c4c/odata/v1/c4codataapi/$batch",
        "/sap/c4c/odata/v1/c4codataapi/$metadata",
        "/sap/c4c/odata/cust/v1/zindividualcustomer/CustomerCommonCollection",
        "('",
        "')",
        "?$format=json",
        "&$expand=",
        "&$top=1",
        "&$skip=18446744073709551615",
        "&$skiptoken=18446744073709551615",
        "&$skiptoken=0",
        "&$orderby=",
        "\nx-csrf-token: fetch",
        "\ncontent-type: multipart/mixed; boundary=b",
        "\n\n",
        "--b\n",
        "--b--",
        "/cgi-bin/stable_token",
        "/cgi-bin/message/custom/send?access_token=",
        "/cgi-bin/user/info/batchget",
        "/_control/",
        "{\"touser\":\"",
    ],
};

/// `GET /path?query`, then lines of `name: value`, an empty line, and the body.
fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let (method, target) = first.split_once(' ').unwrap_or(("GET", first));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    // qiao:secret
    let authorization = (
        "authorization".to_owned(),
        "Basic cWlhbzpzZWNyZXQ=".to_owned(),
    );
    let request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.chain([authorization]).collect(),
        body: body.as_bytes().to_vec(),
    };
    let mut tenant = C4c::new(c4c::Settings::default());
    tenant.create_customer(&[("LastName", "Li")], NOW);
    assert_answers(&mut tenant, &request);
    assert_answers(&mut WeChat::new(wechat::Settings::default()), &request);
}

fn assert_answers(core: &mut impl Core, request: &Request) {
    let mut rng = StdRng::seed_from_u64(7);
    // The second time, what the first left behind is there.
    for _ in 0..2 {
        if let Delivery::Answer(answer, _) = core.handle(request, NOW, &mut rng) {
            assert!((200..600).contains(&answer.status), "{}", answer.status);
        }
    }
    core.take_due(NOW, &mut rng);
}
