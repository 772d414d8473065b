//! user/info, user/info/batchget, user/get and changeopenid (`wechat.md` 5).

use serde_json::{Value, json};

use super::WeChat;
use super::api::Call;
use super::people::Person;
use super::refusal::{Outcome, Refusal};

/// OpenIDs in one user/info/batchget.
const BATCH: usize = 100;

impl WeChat {
    /// `GET /cgi-bin/user/info`.
    pub(super) fn user_info(&mut self, call: &mut Call<'_>) -> Outcome {
        let openid = call.request.param("openid").unwrap_or_default();
        self.describe(&openid)
    }

    /// `POST /cgi-bin/user/info/batchget`.
    pub(super) fn user_info_batch(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let list = body["user_list"].as_array();
        let list = list.ok_or_else(|| Refusal::new(47001))?;
        if list.is_empty() || list.len() > BATCH {
            return Err(Refusal::new(40032));
        }
        let found: Result<Vec<Value>, Refusal> = list
            .iter()
            .map(|user| self.describe(user["openid"].as_str().unwrap_or_default()))
            .collect();
        Ok(json!({"user_info_list": found?}))
    }

    /// `GET /cgi-bin/user/get`.
    pub(super) fn user_get(&mut self, call: &mut Call<'_>) -> Outcome {
        let after = call.request.param("next_openid").unwrap_or_default();
        let after = Some(after.as_str()).filter(|openid| !openid.is_empty());
        if after.is_some_and(|openid| self.people.get(openid).is_none()) {
            return Err(Refusal::new(40003));
        }
        let page: Vec<&str> = self
            .people
            .followers_after(after)
            .take(self.settings.page_size)
            .collect();
        let mut object = json!({
            "total": self.people.followers_after(None).count(),
            "count": page.len(),
            "next_openid": page.last().copied().unwrap_or_default(),
        });
        if !page.is_empty() {
            object["data"] = json!({"openid": page});
        }
        Ok(object)
    }

    /// `POST /cgi-bin/changeopenid`. What WeChat answers for an account that was not migrated from there
    /// is in nobody's samples; 40013 is its word for an AppID that does not fit.
    pub(super) fn change_openids(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let list = body["openid_list"].as_array();
        let list = list.ok_or_else(|| Refusal::new(47001))?;
        if list.is_empty() || list.len() > BATCH {
            return Err(Refusal::new(40032));
        }
        let from = body["from_appid"].as_str().unwrap_or_default();
        if from.is_empty() || from != self.settings.migrated_from {
            return Err(Refusal::new(40013));
        }
        let changed: Vec<Value> = list
            .iter()
            .map(|openid| {
                let old = openid.as_str().unwrap_or_default();
                match self.people.now(old) {
                    Some(new) => json!({"ori_openid": old, "new_openid": new, "err_msg": "ok"}),
                    None => json!({"ori_openid": old, "err_msg": "ori_openid error"}),
                }
            })
            .collect();
        Ok(json!({"errcode": 0, "errmsg": "ok", "result_list": changed}))
    }

    fn describe(&self, openid: &str) -> Outcome {
        let person = self.people.get(openid);
        let person = person.ok_or_else(|| Refusal::new(40003))?;
        let remark = if self.settings.control_char_in_user_info {
            "A\u{1}B"
        } else {
            &person.remark
        };
        Ok(describe(openid, person, remark))
    }
}

fn describe(openid: &str, person: &Person, remark: &str) -> Value {
    let mut object = json!({"subscribe": i32::from(person.subscribed), "openid": openid});
    if let Some(unionid) = &person.unionid {
        object["unionid"] = json!(unionid);
    }
    let followed = person.subscribe_time.filter(|_| person.subscribed);
    let Some(followed) = followed else {
        return object;
    };
    // Names and pictures are empty since 2021-12-27.
    let rest = json!({
        "nickname": "",
        "sex": 0,
        "language": "zh_CN",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "subscribe_time": followed.as_second(),
        "remark": remark,
        "groupid": 0,
        "tagid_list": person.tags,
        "subscribe_scene": match person.scene {
            Some(_) => "ADD_SCENE_QR_CODE",
            None => "ADD_SCENE_SEARCH",
        },
        "qr_scene": person.scene.as_deref().and_then(|s| s.parse::<u32>().ok()).unwrap_or(0),
        "qr_scene_str": person.scene.as_deref().filter(|s| s.parse::<u32>().is_err()).unwrap_or(""),
    });
    if let (Some(object), Value::Object(rest)) = (object.as_object_mut(), rest) {
        object.extend(rest);
    }
    object
}
