use super::*;

const BATCH: &str = "/sap/c4c/odata/v1/c4codataapi/$batch";

fn batch(body: &str) -> Request {
    let body = body.replace('\n', "\r\n");
    request("POST", BATCH, &body).with("content-type", "multipart/mixed; boundary=batch_1")
}

fn change_set(changes: &[&str]) -> String {
    let mut body = "--batch_1\nContent-Type: multipart/mixed; boundary=cs\n\n".to_owned();
    for change in changes {
        body += "--cs\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n";
        body += change;
        body += "\n";
    }
    body + "--cs--\n--batch_1--\n"
}

fn create(payload: &str) -> String {
    format!(
        "POST IndividualCustomerCollection HTTP/1.1\nContent-Type: application/json\n\
         Accept: application/json\nContent-ID: 1\nContent-Length: 5000\n\n{payload}"
    )
}

#[test]
fn a_change_set_is_carried_out_as_a_whole() {
    let (mut world, ids) = World::with(&["x"]);
    let patch = format!(
        "PATCH IndividualCustomerCollection('{}') HTTP/1.1\n\
         Content-Type: application/json\n\n{{\"City\":\"Beijing\"}}",
        ids[0]
    );
    let response = world.send(&batch(&change_set(&[
        &patch,
        &create(r#"{"LastName":"y"}"#),
    ])));
    assert_eq!(response.status, 202);
    let text = body(&response);
    // The captured 204 part, whose length counts everything down to the blank line.
    assert!(text.contains("Content-Length: 96\r\n"), "{text}");
    assert!(text.contains("HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\n"));
    assert!(text.contains("HTTP/1.1 201 Created\r\n"));
    assert_eq!(world.tenant.customers().count(), 2);
    assert_eq!(
        world.tenant.customer(&ids[0]).unwrap().text("City"),
        "Beijing"
    );
}

#[test]
fn one_failure_rolls_the_change_set_back_with_its_notifications() {
    let mut world = World::new(Settings::default());
    let subscription = Subscription::new("http://qiao.test/", Variant::Odata);
    world
        .tenant
        .notifications()
        .settings
        .subscriptions
        .push(subscription);
    let changes = [create(r#"{"LastName":"y"}"#), create(r#"{"ABC":"y"}"#)];
    let response = world.send(&batch(&change_set(&[&changes[0], &changes[1]])));
    assert_eq!(response.status, 202);
    assert!(body(&response).contains("HTTP/1.1 400 Bad Request"));
    assert!(!body(&response).contains("201 Created"));
    assert_eq!(world.tenant.customers().count(), 0);
    assert_eq!(world.tenant.next_due(), None);
}

#[test]
fn reads_stand_beside_change_sets_and_need_an_encoded_query() {
    let (mut world, _) = World::with(&["x", "y"]);
    let read = "--batch_1\nContent-Type: application/http\n\n\
        GET IndividualCustomerCollection?$filter=LastName%20eq%20'y'&$format=json HTTP/1.1\n\n\n\
        --batch_1--";
    let response = world.send(&batch(read));
    let text = body(&response);
    assert!(text.starts_with("--ejjeeffe0\r\n"));
    assert!(text.contains("\"LastName\":\"y\"") && !text.contains("\"LastName\":\"x\""));
    let spaces = read.replace("%20", " ");
    assert_eq!(world.refused(&batch(&spaces)).0, 400);
}

#[test]
fn what_does_not_belong_into_a_batch_is_refused() {
    let mut world = World::new(Settings::default());
    let lone_write = "--batch_1\nContent-Type: application/http\n\n\
        POST IndividualCustomerCollection HTTP/1.1\n\n{}\n--batch_1--";
    assert_eq!(world.refused(&batch(lone_write)).0, 400);
    let good_then_bad = change_set(&[&create("{}")]).replace("--batch_1--", &lone_write[0..]);
    assert_eq!(world.refused(&batch(&good_then_bad)).0, 400);
    assert_eq!(world.tenant.customers().count(), 0);
    let read_inside = change_set(&["GET IndividualCustomerCollection HTTP/1.1\n"]);
    assert_eq!(world.refused(&batch(&read_inside)).0, 400);
    let not_multipart = request("POST", BATCH, "{}");
    assert_eq!(world.refused(&not_multipart).0, 400);
    assert_eq!(world.refused(&get(BATCH)).0, 405);
}
