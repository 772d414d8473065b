//! Menus: the default one, conditional ones, and what each follower sees of them (`wechat.md` 7).
//!
//! What a menu may hold is said in [`check`].

mod check;

use serde_json::{Value, json};

use super::WeChat;
use super::account::ok;
use super::api::Call;
use super::people::Person;
use super::refusal::{Outcome, Refusal};

/// `menuid`s have nine digits.
const FIRST_ID: i64 = 208_379_533;

/// The menus of the account.
#[derive(Debug, Default)]
pub(super) struct Menus {
    default: Option<Menu>,
    /// The oldest first.
    conditional: Vec<Conditional>,
    /// `selfmenu_info` of a menu that was made in the console.
    console: Option<Value>,
    made: i64,
}

#[derive(Debug)]
struct Menu {
    id: i64,
    buttons: Value,
}

#[derive(Debug)]
struct Conditional {
    menu: Menu,
    tag: Option<i64>,
    platform: Option<i64>,
}

impl Conditional {
    fn fits(&self, person: &Person) -> bool {
        self.tag.is_none_or(|tag| person.tags.contains(&tag))
            && self
                .platform
                .is_none_or(|platform| person.platform == Some(platform))
    }
}

impl Menus {
    fn next_id(&mut self) -> i64 {
        self.made += 1;
        FIRST_ID + self.made
    }

    /// The buttons for one person: of the newest conditional menu that fits, else of the default one.
    fn for_person(&self, person: &Person) -> Option<&Value> {
        let newest_first = self.conditional.iter().rev();
        let fitting = newest_first
            .filter(|one| one.fits(person))
            .map(|one| &one.menu);
        let menu = fitting.chain(&self.default).next();
        menu.map(|menu| &menu.buttons)
    }
}

impl WeChat {
    /// The buttons that a follower sees, as `menu/get` shows them; `None` for no menu, or for somebody who
    /// does not follow. A menu made in the console is shown as `get_current_selfmenu_info` tells it.
    pub fn menu_of(&self, openid: &str) -> Option<&Value> {
        let person = self.people.get(openid).filter(|person| person.subscribed)?;
        let console = self.menus.console.as_ref().map(|info| &info["button"]);
        self.menus.for_person(person).or(console)
    }

    /// Somebody makes a menu in the console: `info` is its `selfmenu_info`. Menus of the API are gone.
    pub fn make_console_menu(&mut self, info: Value) {
        self.menus.default = None;
        self.menus.conditional.clear();
        self.menus.console = Some(info);
    }

    /// `POST /cgi-bin/menu/create`: takes the place of the default menu.
    pub(super) fn menu_create(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let buttons = self.checked_buttons(&body, call.now)?;
        let id = self.menus.next_id();
        self.menus.default = Some(Menu { id, buttons });
        self.menus.console = None;
        Ok(ok())
    }

    /// `GET /cgi-bin/menu/get`: 46003 without a menu made by the API.
    pub(super) fn menu_get(&mut self, _: &mut Call<'_>) -> Outcome {
        let menu = self.menus.default.as_ref();
        let menu = menu.ok_or_else(|| Refusal::new(46003))?;
        let mut answer = json!({ "menu": { "button": menu.buttons, "menuid": menu.id } });
        let conditional: Vec<Value> = self
            .menus
            .conditional
            .iter()
            .map(|one| self.shown(one))
            .collect();
        if !conditional.is_empty() {
            answer["conditionalmenu"] = json!(conditional);
        }
        Ok(answer)
    }

    fn shown(&self, one: &Conditional) -> Value {
        let mut rule = json!({});
        match one.tag {
            // As the older and the newer pages of the documentation have it.
            Some(tag) if self.settings.menu_tag_is_group => rule["group_id"] = json!(tag),
            Some(tag) => rule["tag_id"] = json!(tag.to_string()),
            None => {}
        }
        if let Some(platform) = one.platform {
            rule["client_platform_type"] = if self.settings.menu_tag_is_group {
                json!(platform)
            } else {
                json!(platform.to_string())
            };
        }
        json!({ "button": one.menu.buttons, "matchrule": rule, "menuid": one.menu.id })
    }

    /// `GET /cgi-bin/menu/delete`: the default menu and all conditional ones.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the table of operations wants one signature"
    )]
    pub(super) fn menu_delete(&mut self, _: &mut Call<'_>) -> Outcome {
        self.menus.default = None;
        self.menus.conditional.clear();
        Ok(ok())
    }

    /// `POST /cgi-bin/menu/addconditional`.
    pub(super) fn menu_add_conditional(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        if self.menus.default.is_none() {
            return Err(Refusal::new(65303));
        }
        let (tag, platform) = self.checked_rule(&body["matchrule"])?;
        if body["button"].as_array().is_none_or(Vec::is_empty) {
            return Err(Refusal::new(65307));
        }
        let buttons = self.checked_buttons(&body, call.now)?;
        let others = self.menus.conditional.iter().map(|one| &one.menu.buttons);
        check::few_hosts(others.chain([&buttons]))?;
        let id = self.menus.next_id();
        self.menus.conditional.push(Conditional {
            menu: Menu { id, buttons },
            tag,
            platform,
        });
        Ok(json!({ "menuid": id.to_string() }))
    }

    /// `POST /cgi-bin/menu/delconditional`: 65301 for an unknown one.
    pub(super) fn menu_delete_conditional(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let id = check::number(&body["menuid"]);
        let before = self.menus.conditional.len();
        self.menus.conditional.retain(|one| Some(one.menu.id) != id);
        if self.menus.conditional.len() == before {
            return Err(Refusal::new(65301));
        }
        Ok(ok())
    }

    /// `POST /cgi-bin/menu/trymatch`: what a follower would see; 65302 for anybody else.
    pub(super) fn menu_try_match(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let user = body["user_id"].as_str().unwrap_or_default();
        let person = self.people.get(user).filter(|person| person.subscribed);
        let person = person.ok_or_else(|| Refusal::new(65302))?;
        let buttons = self.menus.for_person(person);
        let buttons = buttons.ok_or_else(|| Refusal::new(46003))?;
        Ok(json!({ "button": buttons }))
    }

    /// `GET /cgi-bin/get_current_selfmenu_info`: the default menu, whoever made it.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the table of operations wants one signature"
    )]
    pub(super) fn current_selfmenu(&mut self, _: &mut Call<'_>) -> Outcome {
        let info = match (&self.menus.default, &self.menus.console) {
            (Some(menu), _) => json!({ "button": listed(&menu.buttons) }),
            (None, Some(info)) => info.clone(),
            (None, None) => return Ok(json!({ "is_menu_open": 0, "selfmenu_info": {} })),
        };
        Ok(json!({ "is_menu_open": 1, "selfmenu_info": info }))
    }
}

/// Buttons as `get_current_selfmenu_info` has them: what they open stands in a list.
fn listed(buttons: &Value) -> Value {
    let list = buttons.as_array().into_iter().flatten();
    list.map(|button| {
        let mut button = button.clone();
        let below = button["sub_button"].take();
        if below.as_array().is_some_and(|below| !below.is_empty()) {
            button["sub_button"] = json!({ "list": listed(&below) });
        } else if let Some(button) = button.as_object_mut() {
            button.remove("sub_button");
        }
        button
    })
    .collect()
}
