use super::*;

#[test]
fn a_ticket_is_created_with_its_notes_and_files_in_one_call() {
    let (mut world, _) = World::with(&["Wang"]);
    let payload = json!({
        "Name": "Question by WeChat",
        "BuyerPartyID": "1000441",
        "ServicePriorityCode": "2",
        "ServiceRequestTextCollection": [
            { "TypeCode": "10004", "Text": "Where is my parcel?", "LanguageCode": "EN" },
            { "TypeCode": "10008", "Text": "It is red." },
        ],
        "ServiceRequestAttachmentFolder": [{
            "Name": "parcel.txt",
            "MimeType": "text/plain",
            "Binary": STANDARD.encode("a parcel"),
            "TypeCode": "10001",
            "CategoryCode": "2",
        }],
    });
    let created = world.post(TICKETS, &payload);
    assert_eq!(created["ID"], "1034190");
    assert_eq!(created["ProcessingTypeCode"], "SRRQ");
    assert_eq!(created["ServicePriorityCodeText"], "Urgent");
    assert_eq!(created["ServiceRequestUserLifeCycleStatusCode"], "1");
    let ticket = world.tenant.ticket("1034190").unwrap();
    let texts: Vec<(&str, &str)> = ticket
        .notes
        .iter()
        .map(|note| (note.type_code.as_str(), note.text.as_str()))
        .collect();
    assert_eq!(
        texts,
        [("10004", "Where is my parcel?"), ("10008", "It is red.")]
    );
    assert_eq!(&*ticket.files[0].bytes, b"a parcel");
}

#[test]
fn one_bad_note_and_there_is_no_ticket() {
    let mut world = World::new(Settings::default());
    let note = |type_code: &str| {
        json!({
            "Name": "x",
            "ServiceRequestTextCollection": [
                { "TypeCode": "10004", "Text": "good" },
                { "TypeCode": type_code, "Text": "bad" },
            ],
        })
    };
    assert_eq!(world.post_refused(TICKETS, &note("99999")).0, 400);
    assert_eq!(
        world
            .post_refused(TICKETS, &json!({ "BuyerPartyID": "1" }))
            .0,
        400
    );
    assert_eq!(world.tenant.tickets().count(), 0);
    world
        .tenant
        .configure(|s| s.note_types.push("99999".to_owned()));
    world.post(TICKETS, &note("99999"));
}

#[test]
fn a_ticket_goes_only_to_an_employee() {
    let mut world = World::new(Settings::default());
    let to = |employee: &str| json!({ "Name": "x", "ProcessorPartyID": employee });
    assert_eq!(world.post_refused(TICKETS, &to("1")).0, 400);
    let created = world.post(TICKETS, &to("8000000017"));
    assert_eq!(created["ProcessorPartyID"], "8000000017");
    let number = created["ID"].as_str().unwrap();
    let ticket = world.tenant.ticket(number).unwrap();
    assert_eq!(ticket.processor, "8000000017");
}

#[test]
fn a_note_is_added_by_the_navigation_and_moves_the_tickets_stamp() {
    let mut world = World::new(Settings::default());
    let created = world.post(TICKETS, &json!({ "Name": "x" }));
    let key = created["ObjectID"].as_str().unwrap();
    let before = created["__metadata"]["etag"].clone();
    world.pass(10_000);
    let notes = format!("{TICKETS}('{key}')/ServiceRequestTextCollection");
    let note = world.post(
        &notes,
        &json!({ "TypeCode": "10008", "Text": "第二句 & more", "LanguageCode": "ZH" }),
    );
    assert_eq!(note["ParentObjectID"], key);
    assert_eq!(note["AuthorName"], "qiao");
    assert_eq!(note["TypeCodeText"], "Reply from Customer");
    assert_eq!(note["CreatedOn"], "/Date(1795420810000)/");
    assert_eq!(world.rows(&notes), [note]);
    let after = world.get(&format!("{TICKETS}('{key}')"));
    assert_ne!(after["d"]["results"]["__metadata"]["etag"], before);
    let changed = "EntityLastChangedOn ge datetimeoffset'2026-11-23T08:00:05Z'";
    assert_eq!(world.found(TICKETS, changed).len(), 1);
    for unknown in ["00163E0DBD9E1ED796EBDFDA5600FFFF", "x"] {
        let url = format!("{TICKETS}('{unknown}')/ServiceRequestTextCollection");
        let note = json!({ "TypeCode": "10008", "Text": "x" });
        assert_eq!(world.post_refused(&url, &note).0, 404);
    }
}

#[test]
fn notes_have_a_set_whose_name_is_the_tenants() {
    let mut world = World::new(Settings::default());
    let ticket = world.post(TICKETS, &json!({ "Name": "x" }));
    let set = format!("{API}ServiceRequestTextCollectionCollection");
    let note = json!({ "TypeCode": "10008", "Text": "x" });
    assert_eq!(
        world.post_refused(&set, &note),
        (400, "Property 'ParentObjectID' is mandatory".to_owned())
    );
    let mut with_parent = note.clone();
    with_parent["ParentObjectID"] = ticket["ObjectID"].clone();
    let created = world.post(&set, &with_parent);
    let key = ticket["ObjectID"].as_str().unwrap();
    let found = world.found(&set, &format!("ParentObjectID eq '{key}'"));
    assert_eq!(found, [created]);
    with_parent["ParentObjectID"] = json!("none");
    assert_eq!(world.post_refused(&set, &with_parent).0, 400);
    world
        .tenant
        .configure(|s| s.text_set = "TicketNoteCollection".to_owned());
    assert_eq!(world.refused(&get(&set)).0, 404);
    assert_eq!(world.rows(&format!("{API}TicketNoteCollection")).len(), 1);
}

#[test]
fn the_life_cycle_follows_the_users_status() {
    let mut world = World::new(Settings::default());
    let ticket = world.post(TICKETS, &json!({ "Name": "x" }));
    let url = format!("{TICKETS}('{}')", ticket["ObjectID"].as_str().unwrap());
    for (user_status, status) in [("4", "2"), ("YJ", "2"), ("5", "3"), ("1", "1")] {
        let change = json!({ "ServiceRequestUserLifeCycleStatusCode": user_status });
        let change = request("PATCH", &url, &change.to_string());
        assert_eq!(world.send(&change).status, 204);
        let read = world.get(&url);
        let read = &read["d"]["results"];
        assert_eq!(read["ServiceRequestLifeCycleStatusCode"], status);
    }
    let forced = r#"{"ServiceRequestLifeCycleStatusCode":"3"}"#;
    assert_eq!(world.refused(&request("PATCH", &url, forced)).0, 400);
    assert_eq!(world.refused(&request("DELETE", &url, "")).0, 405);
    let etag = r#"W/"datetimeoffset'2000-01-01T00%3A00%3A00.0000000Z'""#;
    let stale = request("PATCH", &url, r#"{"Name":"y"}"#).with("if-match", etag);
    assert_eq!(world.send(&stale).status, 412);
}

#[test]
fn tickets_are_found_by_customer_number_and_key_user_fields() {
    let (mut world, _) = World::with(&["Wang", "Li"]);
    world
        .tenant
        .configure(|s| s.ticket_fields = vec!["QiaoKey_KUT".to_owned()]);
    for (buyer, key) in [("1000441", "a"), ("1000442", "b"), ("1000442", "c")] {
        world.post(
            TICKETS,
            &json!({ "BuyerPartyID": buyer, "QiaoKey_KUT": key }),
        );
    }
    for (filter, count) in [
        ("BuyerPartyID eq '1000442'", 2),
        ("ID eq '1034191'", 1),
        ("QiaoKey_KUT eq 'c'", 1),
        ("BuyerPartyID eq '1000442' and QiaoKey_KUT eq 'a'", 0),
    ] {
        assert_eq!(world.found(TICKETS, filter).len(), count, "{filter}");
    }
}

#[test]
fn a_ticket_is_read_with_everything_below_it() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "1", "one", None);
    let key = world.ticket_of(&first).unwrap();
    let now = world.now;
    world.tenant.note(&key, "10007", "Hello", now).unwrap();
    let url = format!(
        "{TICKETS}('{key}')?$expand=ServiceRequestTextCollection,\
         ServiceRequestBusinessTransactionDocumentReference,ServiceRequestAttachmentFolder"
    );
    let read = world.get(&url);
    let read = &read["d"]["results"];
    assert_eq!(read["ServiceRequestTextCollection"][0]["Text"], "Hello");
    let reference = &read["ServiceRequestBusinessTransactionDocumentReference"][0];
    assert_eq!(reference["ID"], first["ID"]);
    assert_eq!(read["ServiceRequestAttachmentFolder"], json!([]));
    let back = format!(
        "{REFERENCES}('{}')/ServiceRequest",
        reference["ObjectID"].as_str().unwrap()
    );
    let back = world.get(&back);
    assert_eq!(back["d"]["results"]["ObjectID"], key);
    let forged = json!({ "ID": "1", "TypeCode": "1607" });
    assert_eq!(world.post_refused(REFERENCES, &forged).0, 405);
}

#[test]
fn a_change_set_that_fails_leaves_no_ticket() {
    let mut world = World::new(Settings::default());
    let part = |payload: &str| {
        format!(
            "--cs\r\nContent-Type: application/http\r\n\r\n\
             POST ServiceRequestCollection HTTP/1.1\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{payload}\r\n",
            payload.len()
        )
    };
    let good = part(r#"{"Name":"good"}"#);
    let batch = |second: &str| {
        let changes = format!("{good}{second}--cs--\r\n");
        let body = format!(
            "--b\r\nContent-Type: multipart/mixed; boundary=cs\r\n\r\n{changes}\r\n--b--\r\n"
        );
        let request = request("POST", &format!("{API}$batch"), &body);
        request.with("content-type", "multipart/mixed; boundary=b")
    };
    let failed = world.send(&batch(&part(r#"{"BuyerPartyID":"none"}"#)));
    assert!(body(&failed).contains("HTTP/1.1 400"));
    assert_eq!(world.tenant.tickets().count(), 0);
    let done = world.send(&batch(&part(r#"{"Name":"too"}"#)));
    assert!(body(&done).contains("HTTP/1.1 201"), "{}", body(&done));
    assert_eq!(world.tenant.tickets().count(), 2);
}
