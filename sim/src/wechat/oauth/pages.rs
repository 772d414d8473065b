//! What a person sees of web authorization: the question for consent, or WeChat's own sentences.

use super::super::WeChat;
use super::super::api::Call;
use super::super::ids;
use super::super::refusal::Refusal;
use super::{CAME_FROM, PHONE, QUESTION_LIFE, Question, Scope, cookie, is_over};
use crate::wire::Response;

/// Where the account's page sends the browser.
pub(in super::super) const AUTHORIZE: &str = "/connect/oauth2/authorize";

/// Where the buttons of the question lead.
pub(in super::super) const CONFIRM: &str = "/connect/oauth2/confirm";

/// Where the pictures of people are who have none of their own.
pub(in super::super) const AVATAR: &str = "/mmopen/avatar";

/// What WeChat says to any other browser.
const NOT_IN_WECHAT: &str = "请在微信客户端打开链接";

/// The parameters, in the order that is matched; the two last ones may be left out.
const ORDER: [&str; 7] = [
    "appid",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "forcePopup",
    "connect_redirect",
];

/// A well-formed request for authorization.
struct Asked {
    back: String,
    scope: Scope,
    state: String,
    pops_up: bool,
}

impl WeChat {
    /// `GET /connect/oauth2/authorize`: a page, or at once the way back.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the table of operations wants one signature"
    )]
    pub(in super::super) fn authorize(&mut self, call: &mut Call<'_>) -> Result<Response, Refusal> {
        let Some(openid) = cookie(call.request, PHONE) else {
            return Ok(sentence(NOT_IN_WECHAT));
        };
        let openid = openid.to_owned();
        if self.people.get(&openid).is_none() {
            return Ok(sentence(NOT_IN_WECHAT));
        }
        let asked = match self.read_asked(&call.request.query) {
            Ok(asked) => asked,
            Err((code, words)) => return Ok(sentence(&format!("{words} 错误码：{code}"))),
        };
        let is_snapshot = self.settings.snapshot_pages && asked.scope == Scope::UserInfo;
        if is_snapshot || self.is_silent(&openid, &asked, call) {
            let code = self.issue_code(&openid, asked.scope, is_snapshot, call.now, call.rng);
            return Ok(redirect(&back(&asked.back, Some(&code), &asked.state)));
        }
        let ticket = ids::random_text(32, call.rng);
        let page = self.question(&openid, &ticket);
        let question = Question {
            openid,
            back: asked.back,
            state: asked.state,
            asked: call.now,
        };
        self.oauth.questions.insert(ticket, question);
        Ok(page)
    }

    /// `POST /connect/oauth2/confirm`: a button was tapped.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the table of operations wants one signature"
    )]
    pub(in super::super) fn confirm(&mut self, call: &mut Call<'_>) -> Result<Response, Refusal> {
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(&call.request.body)
            .into_owned()
            .collect();
        let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v);
        let question = field("ticket").and_then(|ticket| self.oauth.questions.remove(ticket));
        let question = question.filter(|question| {
            cookie(call.request, PHONE) == Some(&question.openid)
                && !is_over(question.asked, QUESTION_LIFE, call.now)
        });
        let Some(question) = question else {
            return Ok(sentence("页面已失效，请重新进入"));
        };
        let code = (field("answer").map(String::as_str) == Some("allow")).then(|| {
            let scope = Scope::UserInfo;
            self.issue_code(&question.openid, scope, false, call.now, call.rng)
        });
        let back = back(&question.back, code.as_deref(), &question.state);
        Ok(redirect(&back))
    }

    /// `GET /mmopen/avatar?of=`: a picture of our own, a colour and the first sign of the name.
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "the table of operations wants one signature"
    )]
    pub(in super::super) fn avatar(&mut self, call: &mut Call<'_>) -> Result<Response, Refusal> {
        let name = call.request.param("of").unwrap_or_default();
        let hue = name.chars().map(u32::from).sum::<u32>() % 360;
        let sign = escaped(&name.chars().next().unwrap_or('·').to_string());
        let picture = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"132\" height=\"132\">\
             <rect width=\"132\" height=\"132\" fill=\"hsl({hue},45%,40%)\"/>\
             <text x=\"66\" y=\"88\" font-size=\"64\" text-anchor=\"middle\" fill=\"#fff\" \
             font-family=\"sans-serif\">{sign}</text></svg>"
        );
        Ok(Response {
            status: 200,
            headers: vec![("content-type".to_owned(), "image/svg+xml".to_owned())],
            body: picture.into_bytes(),
        })
    }

    /// Strict: the parameters in their order, each well-formed; else WeChat's number and words.
    fn read_asked(&self, query: &str) -> Result<Asked, (u32, &'static str)> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let positions: Vec<Option<usize>> = pairs
            .iter()
            .map(|(name, _)| ORDER.iter().position(|known| known == name))
            .collect();
        if !positions.is_sorted_by(|a, b| a.is_some() && a < b)
            || positions.first() != Some(&Some(0))
        {
            return Err((10_016, "参数顺序有误"));
        }
        let of = |name: &str| {
            let found = pairs.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        if of("appid") != self.settings.app_id {
            return Err((10_012, "appid 参数错误"));
        }
        let back =
            url::Url::parse(of("redirect_uri")).map_err(|_| (10_011, "redirect_uri 不能为空"))?;
        let domain = &self.settings.oauth_domain;
        if domain.is_empty() || back.host_str() != Some(domain) {
            return Err((10_003, "redirect_uri 域名与后台配置不一致"));
        }
        if of("response_type") != "code" {
            return Err((10_017, "response_type 参数错误"));
        }
        let scope = Scope::of(of("scope")).ok_or((10_005, "scope 参数错误或没有 scope 权限"))?;
        let state = of("state");
        if state.len() > 128 || !state.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err((10_013, "state 参数错误"));
        }
        Ok(Asked {
            back: back.into(),
            scope,
            state: state.to_owned(),
            pops_up: of("forcePopup") == "true",
        })
    }

    /// Nobody is asked for their OpenID only, nor a follower who comes from the account's own chat
    /// or menu, whatever `forcePopup` says.
    fn is_silent(&self, openid: &str, asked: &Asked, call: &Call<'_>) -> bool {
        let follows = self.people.get(openid).is_some_and(|p| p.subscribed);
        let from_chat = cookie(call.request, CAME_FROM) == Some("chat");
        match asked.scope {
            Scope::Base => !asked.pops_up,
            Scope::UserInfo => follows && from_chat,
        }
    }

    fn question(&self, openid: &str, ticket: &str) -> Response {
        let name = self.people.get(openid).map_or("", |p| p.name());
        page(&format!(
            "<h1>网页授权</h1><p>该网页申请获得你的公开信息（昵称、头像等）</p><p id=\"who\">{}</p>\
             <form method=\"post\" action=\"{CONFIRM}\"><input type=\"hidden\" name=\"ticket\" \
             value=\"{ticket}\"><button id=\"deny\" name=\"answer\" value=\"deny\">拒绝</button>\
             <button id=\"allow\" name=\"answer\" value=\"allow\">允许</button></form>",
            escaped(name),
        ))
    }
}

/// The address that the account gave, with what it is told.
fn back(to: &str, code: Option<&str>, state: &str) -> String {
    let mut url = url::Url::parse(to).expect("it was read as a URL");
    {
        let mut pairs = url.query_pairs_mut();
        if let Some(code) = code {
            pairs.append_pair("code", code);
        }
        pairs.append_pair("state", state);
    }
    url.into()
}

fn redirect(to: &str) -> Response {
    Response {
        status: 302,
        headers: vec![("location".to_owned(), to.to_owned())],
        body: Vec::new(),
    }
}

fn sentence(words: &str) -> Response {
    page(&format!("<p id=\"sentence\">{}</p>", escaped(words)))
}

fn page(body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>微信</title>\
         <style>body{{font:16px/1.6 sans-serif;margin:0;padding:48px 24px;text-align:center}}\
         button{{font:inherit;padding:10px 32px;margin:8px;border:0;border-radius:6px}}\
         #allow{{background:#06794b;color:#fff}}</style><main>{body}</main></html>"
    );
    Response {
        status: 200,
        headers: vec![(
            "content-type".to_owned(),
            "text/html; charset=utf-8".to_owned(),
        )],
        body: html.into_bytes(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
