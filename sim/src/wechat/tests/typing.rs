//! The follower reads that someone is typing.

use super::*;

const TYPING: &str = "/cgi-bin/message/custom/typing";

fn command(world: &mut World, openid: &str, command: &str) -> i64 {
    let body = json!({"touser": openid, "command": command});
    world.call(TYPING, &body).0
}

fn is_typing(world: &World, openid: &str) -> bool {
    world.wx.is_typing_to(openid, world.now)
}

#[test]
fn typing_is_read_for_fifteen_seconds() {
    let mut world = World::new();
    let openid = world.follower();
    world.say(&openid, "hi");
    assert_eq!(command(&mut world, &openid, "Typing"), 0);
    world.advance(14);
    assert!(is_typing(&world, &openid));
    assert_eq!(command(&mut world, &openid, "Typing"), 45081);
    world.advance(1);
    assert!(!is_typing(&world, &openid));
    assert_eq!(command(&mut world, &openid, "Typing"), 0);
}

#[test]
fn a_message_or_the_other_command_ends_it() {
    let mut world = World::new();
    let openid = world.follower();
    world.say(&openid, "hi");
    for end in ["CancelTyping", "message"] {
        assert_eq!(command(&mut world, &openid, "Typing"), 0);
        match end {
            "message" => assert_eq!(world.send_text(&openid, "here you are"), 0),
            cancel => assert_eq!(command(&mut world, &openid, cancel), 0),
        }
        assert!(!is_typing(&world, &openid), "{end}");
    }
    assert_eq!(command(&mut world, &openid, "Typing"), 0);
}

#[test]
fn it_needs_a_message_of_either_side_in_the_last_half_minute() {
    let mut world = World::new();
    let openid = world.follower();
    assert_eq!(command(&mut world, &openid, "Typing"), 45080);
    world.say(&openid, "hi");
    world.advance(30);
    assert_eq!(command(&mut world, &openid, "Typing"), 45080);
    assert_eq!(world.send_text(&openid, "hello"), 0);
    world.advance(29);
    assert_eq!(command(&mut world, &openid, "Typing"), 0);
    world.wx.unfollow(&openid, world.now, &mut world.rng);
    world.advance(15);
    assert_eq!(command(&mut world, &openid, "Typing"), 45080);
}

#[test]
fn wrong_commands_and_receivers_are_refused() {
    let mut world = World::new();
    let openid = world.follower();
    world.say(&openid, "hi");
    assert_eq!(command(&mut world, &openid, "typing"), 45072);
    assert_eq!(command(&mut world, "o6_bmUnknown", "Typing"), 40003);
    world.wx.person_mut(&openid).unwrap().blacklisted = true;
    assert_eq!(command(&mut world, &openid, "Typing"), 43019);
    let fault = json!({"on": "custom/typing", "kind": "code", "code": 45011});
    world.post("/_control/faults", &fault);
    assert_eq!(command(&mut world, &openid, "Typing"), 45011);
}
