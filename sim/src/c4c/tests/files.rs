use super::*;

const PIXELS: &[u8] = &[0xFF, 0xD8, 0xFF, 0xE0, 0, 1, 2, 0xD9];

fn file(bytes: &[u8]) -> Json {
    json!({
        "Name": "photo.jpg",
        "MimeType": "image/jpeg",
        "Binary": STANDARD.encode(bytes),
        "TypeCode": "10001",
        "CategoryCode": "2",
    })
}

#[test]
fn a_messages_file_is_stored_listed_and_given_back_byte_by_byte() {
    let mut world = World::new(Settings::default());
    let follower = world.follower("oOpenId");
    let first = world.says(&follower, "1", "[image]", None);
    let folder = format!(
        "{ACTIVITIES}('{}')/SocialMediaActivityAttachmentFolder",
        first["ObjectID"].as_str().unwrap()
    );
    let created = world.post(&folder, &file(PIXELS));
    assert_eq!(created["Binary"], STANDARD.encode(PIXELS));
    assert_eq!(created["SizeInkB"], "8.00000000000000");
    assert_eq!(created["CategoryCodeText"], "Document");
    assert_eq!(
        created["UUID"],
        uuid_of(created["ObjectID"].as_str().unwrap())
    );
    assert_eq!(world.rows(&folder)[0], created);
    let link = created["DocumentLink"].as_str().unwrap();
    let link = link.strip_prefix("https://my000001.c4c.example").unwrap();
    assert!(link.ends_with("/Binary/$value"), "{link}");
    let read = world.send(&get(link));
    assert_eq!(read.status, 200);
    assert_eq!(read.body, PIXELS);
    assert_eq!(header(&read, "content-type"), Some("image/jpeg"));
    let seen = world.tenant.activities_of("oOpenId");
    assert_eq!(&*seen[0].files[0].bytes, PIXELS);
}

#[test]
fn a_tickets_file_goes_through_the_set_without_its_bytes_coming_back() {
    let mut world = World::new(Settings::default());
    let ticket = world.post(TICKETS, &json!({ "Name": "x" }));
    let set = format!("{API}ServiceRequestAttachmentFolderCollection");
    let mut payload = file(PIXELS);
    payload["ParentObjectID"] = ticket["ObjectID"].clone();
    let quiet = request("POST", &set, &payload.to_string());
    let response = world.send(&quiet.with("odata-no-response-payload", "true"));
    assert_eq!((response.status, response.body.len()), (201, 0));
    let location = header(&response, "location").unwrap();
    let location = location
        .strip_prefix("https://my000001.c4c.example")
        .unwrap();
    let chosen = world.get(&format!("{location}?$select=Name,SizeInkB"));
    let chosen = &chosen["d"]["results"];
    assert_eq!(
        (&chosen["Name"], chosen.get("Binary")),
        (&json!("photo.jpg"), None)
    );
    let id = ticket["ID"].as_str().unwrap();
    assert_eq!(&*world.tenant.ticket(id).unwrap().files[0].bytes, PIXELS);
    let url = location.to_owned();
    assert_eq!(world.send(&request("DELETE", &url, "")).status, 204);
    assert_eq!(world.tenant.ticket(id).unwrap().files, []);
    assert_eq!(world.refused(&get(&url)).0, 404);
}

#[test]
fn a_file_that_is_too_large_or_of_a_wrong_kind_is_refused() {
    let mut world = World::new(Settings {
        attachment_limit: 8,
        ..Settings::default()
    });
    let ticket = world.post(TICKETS, &json!({ "Name": "x" }));
    let key = ticket["ObjectID"].as_str().unwrap();
    let folder = format!("{TICKETS}('{key}')/ServiceRequestAttachmentFolder");
    let changed = |property: &str, value: &str| {
        let mut payload = file(PIXELS);
        payload[property] = json!(value);
        payload
    };
    for (payload, sentence) in [
        (file(&[0; 9]), "larger than the tenant allows"),
        (changed("TypeCode", "77777"), "unknown to this tenant"),
        (changed("CategoryCode", "3"), "unknown to this tenant"),
        (changed("Binary", "no base64!"), "base64 is expected"),
        (changed("Name", ""), "is mandatory"),
        (changed("ParentObjectID", "other"), "does not fit the path"),
    ] {
        let (status, told) = world.post_refused(&folder, &payload);
        assert_eq!(status, 400);
        assert!(told.contains(sentence), "{told}");
    }
    world.post(&folder, &file(PIXELS));
    world.post(&folder, &file(&[]));
    assert_eq!(world.rows(&folder).len(), 2);
}
