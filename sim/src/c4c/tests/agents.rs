//! What agents do, and how it leaves the tenant.

use super::*;

/// A tenant with a mashup, a follower and their first message.
fn talking() -> (World, Json) {
    let mut world = World::new(Settings::default());
    let settings = &mut world.tenant.replies().settings;
    settings.url = "http://qiao.test/c4c/main/replies/key".to_owned();
    settings.username = "c4c".to_owned();
    settings.password = "pw".to_owned();
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "m1", "Where is my parcel?", None);
    (world, first)
}

fn pushes(world: &mut World) -> Vec<Push> {
    world.tenant.take_due(world.now, &mut world.rng)
}

/// The JSON that a receiver reads out of the form.
fn content(push: &Push) -> Json {
    let (name, value) = url::form_urlencoded::parse(&push.body).next().unwrap();
    assert_eq!(name, "content");
    serde_json::from_str(&value).unwrap()
}

fn has(push: &Push, name: &str, value: &str) -> bool {
    push.headers.contains(&(name.to_owned(), value.to_owned()))
}

#[test]
fn an_answer_to_a_ticket_is_an_outbound_message_and_leaves_through_the_mashup() {
    let (mut world, first) = talking();
    let ticket = world.ticket_of(&first).unwrap();
    let text = "It is 100 % on its way + thanks 🚚\n再见";
    let now = world.now;
    let answer = Answer::new(text, "Agent Li");
    let sma_id = world.tenant.answer(&ticket, &answer, now).unwrap();
    let sent = pushes(&mut world);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].url, "http://qiao.test/c4c/main/replies/key");
    assert!(has(
        &sent[0],
        "content-type",
        "application/x-www-form-urlencoded"
    ));
    assert!(has(&sent[0], "authorization", "Basic YzRjOnB3"));
    assert_eq!(
        content(&sent[0]),
        json!({
            "original_id": "",
            "sma_id": sma_id,
            "service_req_no": "1034190",
            "author_name": "Agent Li",
            "author_email": "",
            "sma_create_datetime": "2026-11-23T08:00:00Z",
            "private_ind": "FALSE",
            "text": text,
        })
    );
    let found = world.found(
        ACTIVITIES,
        &format!("ID eq '{sma_id}' and InitiatorCode eq '1'"),
    );
    assert_eq!(found[0]["Text"], text);
    assert_eq!(found[0]["RootSocialMediaActivityUUID"], first["UUID"]);
    let talk = world.tenant.activities_of("oOpenId");
    let talk: Vec<(bool, &str)> = talk.iter().map(|a| (a.inbound, a.text.as_str())).collect();
    assert_eq!(talk, [(true, "Where is my parcel?"), (false, text)]);
}

#[test]
fn the_original_id_is_the_message_answered_when_the_tenant_fills_it() {
    let (mut world, first) = talking();
    world.tenant.replies().settings.original_id = true;
    let profile = json!({ "UUID": first["SocialMediaUserProfileUUID"] });
    world.says(&profile, "m2", "Hello?", Some(&first));
    let ticket = world.ticket_of(&first).unwrap();
    let now = world.now;
    let mut answer = Answer::new("Yes", "Li");
    answer.private = true;
    for to in [ticket.as_str(), first["ID"].as_str().unwrap()] {
        world.tenant.answer(to, &answer, now).unwrap();
    }
    let sent: Vec<Json> = pushes(&mut world).iter().map(content).collect();
    assert_eq!(sent[0]["original_id"], "m2");
    assert_eq!(sent[1]["original_id"], "m1");
    assert_eq!(sent[1]["private_ind"], "TRUE");
    assert_eq!(world.tenant.answer("no such ticket", &answer, now), None);
}

#[test]
fn a_file_is_attached_before_the_answer_leaves() {
    let (mut world, first) = talking();
    let ticket = world.ticket_of(&first).unwrap();
    let now = world.now;
    let file = File {
        name: "map.png".to_owned(),
        mime_type: "image/png".to_owned(),
        bytes: vec![1, 2, 3],
    };
    let answer = Answer::new("See the map", "Li").with_file(file.clone());
    let sma_id = world.tenant.answer(&ticket, &answer, now).unwrap();
    let found = world.found(ACTIVITIES, &format!("ID eq '{sma_id}'"));
    let key = found[0]["ObjectID"].as_str().unwrap();
    let folder = format!("{ACTIVITIES}('{key}')/SocialMediaActivityAttachmentFolder");
    assert_eq!(world.rows(&folder)[0]["Name"], "map.png");
    world.tenant.attach(&sma_id, &file, now).unwrap();
    world.tenant.attach(&ticket, &file, now).unwrap();
    assert_eq!(world.tenant.attach("none", &file, now), None);
    assert_eq!(world.tenant.activity(&sma_id).unwrap().files.len(), 2);
    let seen = world.tenant.tickets_of("oOpenId");
    assert_eq!(&*seen[0].files[0].bytes, [1, 2, 3]);
}

#[test]
fn replies_are_repeated_copied_lost_and_recorded_like_notifications() {
    let (mut world, first) = talking();
    let ticket = world.ticket_of(&first).unwrap();
    let settings = &mut world.tenant.replies().settings;
    (settings.duplicates, settings.lose_next, settings.retries) = (2, 1, 1);
    let now = world.now;
    let sma_id = world
        .tenant
        .answer(&ticket, &Answer::new("Hi", "Li"), now)
        .unwrap();
    let sent = pushes(&mut world);
    assert_eq!(sent.len(), 2);
    assert!(!world.tenant.is_quiet());
    let response = |status: u16, body: &str| {
        PushOutcome::Answered(Response {
            status,
            body: body.as_bytes().to_vec(),
            ..Response::default()
        })
    };
    world.tenant.pushed(&sent[0], response(200, "ok"), now);
    world.tenant.pushed(&sent[1], response(503, "busy"), now);
    world.pass(60_000);
    let again = pushes(&mut world);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].body, sent[1].body);
    let now = world.now;
    world.tenant.pushed(&again[0], PushOutcome::Unanswered, now);
    assert!(world.tenant.is_quiet());
    let attempts: Vec<(Option<u16>, String)> = world
        .tenant
        .replies()
        .attempts()
        .inspect(|attempt| assert_eq!(attempt.about, sma_id))
        .map(|attempt| (attempt.status, attempt.answer.clone()))
        .collect();
    assert_eq!(
        attempts,
        [
            (Some(200), "ok".to_owned()),
            (Some(503), "busy".to_owned()),
            (None, String::new()),
        ]
    );
    let tally = world.tenant.replies().tally();
    assert_eq!((tally.planned, tally.lost, tally.accepted), (3, 1, 1));
}

#[test]
fn without_a_mashup_the_answer_stays_in_the_tenant() {
    let (mut world, first) = talking();
    world.tenant.replies().settings.url.clear();
    let ticket = world.ticket_of(&first).unwrap();
    let now = world.now;
    let answer = Answer::new("Hi", "Li");
    assert!(world.tenant.answer(&ticket, &answer, now).is_some());
    assert_eq!(pushes(&mut world).len(), 0);
    assert_eq!(world.tenant.activities_of("oOpenId").len(), 2);
}

#[test]
fn a_ticket_that_no_message_made_has_no_channel_but_takes_notes() {
    let (mut world, _) = World::with(&["Wang"]);
    let created = world.post(TICKETS, &json!({ "BuyerPartyID": "1000441" }));
    let id = created["ID"].as_str().unwrap();
    let now = world.now;
    assert_eq!(world.tenant.answer(id, &Answer::new("Hi", "Li"), now), None);
    assert!(world.tenant.note(id, "10007", "Hi", now).is_some());
    assert_eq!(world.tenant.note("none", "10007", "Hi", now), None);
    let seen = world.tenant.tickets_of("Wang");
    assert_eq!(seen[0].notes[0].text, "Hi");
    assert_eq!(seen[0].notes[0].author, "AGENT");
}

#[test]
fn whoever_subscribed_is_told_of_tickets_and_messages() {
    let (mut world, first) = talking();
    let ticket = world.ticket_of(&first).unwrap();
    let objects = [Business::ServiceRequest, Business::SocialMediaActivity];
    let subscribe = |url: &str, variant| Subscription::new(url, variant).of(&objects);
    world.tenant.notifications().settings.subscriptions = vec![
        subscribe("http://a.test/", Variant::Odata),
        subscribe("http://b.test/", Variant::Enhanced),
        Subscription::new("http://customers.test/", Variant::Odata),
    ];
    let now = world.now;
    world.tenant.note(&ticket, "10007", "Hi", now).unwrap();
    assert!(world.tenant.close_ticket("1034190", now));
    assert!(!world.tenant.close_ticket("1034190", now));
    let answer = Answer::new("Bye", "Li");
    world.tenant.answer(&ticket, &answer, now).unwrap();
    let told: Vec<Json> = pushes(&mut world)
        .iter()
        .filter_map(|push| serde_json::from_slice(&push.body).ok())
        .collect();
    let of = |member: &str| -> Vec<&str> {
        told.iter()
            .filter_map(|told| told[member].as_str())
            .collect()
    };
    assert_eq!(
        of("businessObject"),
        [
            "SERVICE_REQUEST",
            "SERVICE_REQUEST",
            "SOCIAL_MEDIA_ACTIVITY"
        ]
    );
    assert_eq!(
        of("event-type"),
        [
            "ServiceRequest.Root.Updated",
            "ServiceRequest.Root.Updated",
            "SocialMediaActivity.Root.Created",
        ]
    );
    assert_eq!(of("businessObjectId")[0], ticket);
    assert!(of("odataServiceEndpoint")[0].ends_with(&format!(
        "/sap/byd/odata/v1/c4codataapi/ServiceRequestCollection('{ticket}')"
    )));
    let closed = &told[3]["data"]["Changes"][0]["ChangedFields"][0];
    assert_eq!(closed["New"], "5");
    assert_eq!(world.tenant.ticket("1034190").unwrap().status, "3");
}
