//! Scenes that are read back, limits, and what nobody guesses.

use super::*;
use proptest::prelude::*;

fn wish(purpose: Purpose, target: &str) -> Wish {
    Wish {
        purpose,
        target: target.to_owned(),
        scene: None,
        lifetime: Some(SignedDuration::from_hours(24)),
        reusable: false,
    }
}

fn scene_of(wish: &Wish) -> Result<String, NotACode> {
    wish.scene([7; 16]).map(|scene| scene.text())
}

#[test]
fn scenes_of_campaigns_and_agents_can_be_read() {
    let campaign = wish(Purpose::Campaign, "spring-fair");
    assert_eq!(scene_of(&campaign).unwrap(), "spring-fair");
    let agent = wish(Purpose::Agent, "8000000017");
    assert_eq!(scene_of(&agent).unwrap(), "agent-8000000017");
}

#[test]
fn the_limits_of_wechat_hold_to_the_last_second_and_number() {
    let second = SignedDuration::from_secs(1);
    for (lifetime, good) in [
        (SignedDuration::ZERO, false),
        (second, true),
        (LONGEST, true),
        (LONGEST + second, false),
    ] {
        let wish = Wish {
            lifetime: Some(lifetime),
            ..wish(Purpose::Campaign, "fair")
        };
        assert_eq!(scene_of(&wish).is_ok(), good, "{lifetime}");
    }
    for (number, lifetime, good) in [
        (0, Some(second), false),
        (2_147_483_647, Some(second), true),
        (2_147_483_648, Some(second), false),
        (100_000, None, true),
        (100_001, None, false),
    ] {
        let wish = Wish {
            scene: Some(Scene::Number(number)),
            lifetime,
            ..wish(Purpose::Campaign, "fair")
        };
        assert_eq!(scene_of(&wish).is_ok(), good, "{number}");
    }
}

#[test]
fn a_code_that_binds_has_no_scene_of_choice_and_does_not_last_for_nothing() {
    let bind = wish(Purpose::Bind, "1000441");
    let chosen = Wish {
        scene: Some(Scene::Text("mine".to_owned())),
        ..bind.clone()
    };
    assert_eq!(scene_of(&chosen), Err(NotACode::Guessable));
    let for_ever = Wish {
        lifetime: None,
        ..bind
    };
    assert_eq!(scene_of(&for_ever), Err(NotACode::Wasteful));
    let shared = Wish {
        reusable: true,
        ..for_ever
    };
    assert!(scene_of(&shared).is_ok());
}

#[test]
fn a_scene_is_never_both_a_text_and_a_number() {
    assert_eq!(
        scene_of(&wish(Purpose::Campaign, "2026")),
        Err(NotACode::Digits)
    );
}

proptest! {
    /// Whatever is wished for: what is allowed is short, plain, and fits its kind.
    #[test]
    fn every_scene_that_is_allowed_is_one_that_wechat_takes(
        target in "\\PC{0,70}", chosen in proptest::option::of("[a-zA-Z0-9_ -]{0,70}"), random: [u8; 16],
        bind: bool, seconds in proptest::option::of(-1_i64..3_000_000),
    ) {
        let wish = Wish {
            purpose: if bind { Purpose::Bind } else { Purpose::Campaign },
            scene: chosen.map(Scene::Text),
            lifetime: seconds.map(SignedDuration::from_secs),
            target,
            reusable: true,
        };
        if let Ok(scene) = wish.scene(random) {
            let text = scene.text();
            prop_assert!((1..=64).contains(&text.len()));
            prop_assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert!(seconds.is_none_or(|seconds| (1..=2_592_000).contains(&seconds)));
            prop_assert!(text.parse::<u64>().is_err());
        }
    }

    /// Two codes that bind share no scene, and each carries all 128 bits.
    #[test]
    fn a_secret_scene_tells_its_bits_and_nothing_else(one: [u8; 16], other: [u8; 16]) {
        let text = Scene::secret(one).text();
        prop_assert_eq!(u128::from_str_radix(&text[5..], 16).unwrap(), u128::from_be_bytes(one));
        prop_assert_eq!(one == other, text == Scene::secret(other).text());
    }
}
