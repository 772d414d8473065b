//! The people with phones: who they are called, and in which order they came.

use qiao_sim::wechat::WeChat;
use rand::Rng;

/// People on the page; a phone is chosen by a glance, not by scrolling.
const MOST: usize = 8;

/// Names in the order of appearance. Of a person who came otherwise only the number is known.
const NAMES: [&str; MOST] = [
    "小明",
    "Anna",
    "王芳",
    "Tom",
    "李雷",
    "韩梅梅",
    "Lucy",
    "张伟",
];

/// Everyone, in the order of their appearance.
#[derive(Default)]
pub(super) struct Cast(Vec<String>);

impl Cast {
    /// Takes in those who came otherwise, and gives all with their names.
    pub(super) fn all(&mut self, wechat: &WeChat) -> Vec<(String, &'static str)> {
        for (openid, _) in wechat.people() {
            if self.0.len() < MOST && !self.0.iter().any(|known| known == openid) {
                self.0.push(openid.to_owned());
            }
        }
        let named = self.0.iter().zip(NAMES);
        named.map(|(openid, name)| (openid.clone(), name)).collect()
    }

    /// Somebody new, who does not follow yet; `None` when there are enough.
    pub(super) fn invite(&mut self, wechat: &mut WeChat, rng: &mut dyn Rng) -> Option<String> {
        self.all(wechat);
        let name = NAMES.get(self.0.len())?;
        let openid = wechat.new_follower(rng);
        if let Some(person) = wechat.person_mut(&openid) {
            (*name).clone_into(&mut person.nickname);
        }
        self.0.push(openid.clone());
        Some(openid)
    }

    /// Whether somebody has this OpenID.
    pub(super) fn knows(&self, openid: &str) -> bool {
        self.0.iter().any(|known| known == openid)
    }
}
