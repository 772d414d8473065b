//! The table of API paths, what all calls have in common, and how answers look.

use jiff::Timestamp;
use rand::Rng;
use serde_json::Value;

use super::WeChat;
use super::download::{MEDIA_GET, VIDEO};
use super::jssdk::SCRIPT;
use super::oauth::pages::{AUTHORIZE, AVATAR, CONFIRM};
use super::qr::SHOW;
use super::refusal::{Outcome, Refusal};
use crate::wire::{Request, Response};

/// `errcode` of a path that does not exist; answered with HTTP 404.
const UNKNOWN_PATH: i64 = 40066;

/// One call of an operation.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    pub(super) now: Timestamp,
    pub(super) rng: &'a mut dyn Rng,
}

impl Call<'_> {
    /// The JSON body: 44002 without one, 40033 with `\uXXXX` in it, 47001 if it is no object.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        let body = &self.request.body;
        if body.is_empty() {
            return Err(Refusal::new(44002));
        }
        if has_unicode_escape(body) {
            return Err(Refusal::new(40033));
        }
        serde_json::from_slice(body)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| Refusal::new(47001))
    }
}

/// Whether JSON text holds `\u`; a backslash that is itself escaped does not count.
fn has_unicode_escape(body: &[u8]) -> bool {
    let mut bytes = body.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'\\' && bytes.next() == Some(&b'u') {
            return true;
        }
    }
    false
}

/// Carries an operation out; what it gives is JSON, but for downloads and pages.
#[derive(Clone, Copy)]
enum Run {
    Object(fn(&mut WeChat, &mut Call<'_>) -> Outcome),
    Download(fn(&mut WeChat, &mut Call<'_>) -> Result<Response, Refusal>),
}

struct Endpoint {
    path: &'static str,
    verb: &'static str,
    needs_token: bool,
    /// Calls a Beijing day for a newly registered account (`wechat.md` 9).
    per_day: Option<u32>,
    per_minute: Option<u32>,
    run: Run,
}

impl Endpoint {
    const fn of(path: &'static str, run: Run) -> Self {
        Self {
            path,
            verb: "GET",
            needs_token: true,
            per_day: None,
            per_minute: None,
            run,
        }
    }

    const fn get(path: &'static str, run: fn(&mut WeChat, &mut Call<'_>) -> Outcome) -> Self {
        Self::of(path, Run::Object(run))
    }

    const fn download(
        path: &'static str,
        run: fn(&mut WeChat, &mut Call<'_>) -> Result<Response, Refusal>,
    ) -> Self {
        Self::of(path, Run::Download(run))
    }

    /// Buttons of a page.
    const fn form(
        path: &'static str,
        run: fn(&mut WeChat, &mut Call<'_>) -> Result<Response, Refusal>,
    ) -> Self {
        let mut endpoint = Self::download(path, run);
        endpoint.verb = "POST";
        endpoint
    }

    const fn post(path: &'static str, run: fn(&mut WeChat, &mut Call<'_>) -> Outcome) -> Self {
        let mut endpoint = Self::get(path, run);
        endpoint.verb = "POST";
        endpoint
    }

    const fn without_token(mut self) -> Self {
        self.needs_token = false;
        self
    }

    const fn per_day(mut self, limit: u32) -> Self {
        self.per_day = Some(limit);
        self
    }

    const fn per_minute(mut self, limit: u32) -> Self {
        self.per_minute = Some(limit);
        self
    }
}

const ENDPOINTS: &[Endpoint] = &[
    Endpoint::get("/cgi-bin/token", WeChat::token)
        .without_token()
        .per_day(2_000),
    Endpoint::post("/cgi-bin/stable_token", WeChat::stable_token)
        .without_token()
        .per_day(500_000)
        .per_minute(10_000),
    Endpoint::get("/cgi-bin/ticket/getticket", WeChat::get_ticket).per_day(1_000_000),
    Endpoint::download(SCRIPT, WeChat::jssdk_script).without_token(),
    Endpoint::post("/cgi-bin/clear_quota", WeChat::clear_quota),
    Endpoint::post("/cgi-bin/clear_quota/v2", WeChat::clear_quota_with_secret).without_token(),
    Endpoint::post("/cgi-bin/openapi/quota/get", WeChat::quota_of),
    Endpoint::post("/cgi-bin/callback/check", WeChat::callback_check),
    Endpoint::get("/cgi-bin/get_api_domain_ip", WeChat::ip_list),
    Endpoint::get("/cgi-bin/getcallbackip", WeChat::ip_list),
    Endpoint::post("/cgi-bin/message/custom/send", WeChat::custom_send).per_day(500_000),
    Endpoint::post("/cgi-bin/message/custom/typing", WeChat::custom_typing),
    Endpoint::post("/cgi-bin/media/upload", WeChat::media_upload).per_day(100_000),
    Endpoint::download(MEDIA_GET, WeChat::media_get).per_day(200_000),
    Endpoint::download(VIDEO, WeChat::video).without_token(),
    Endpoint::post("/cgi-bin/message/template/send", WeChat::template_send).per_day(100_000),
    Endpoint::post("/cgi-bin/qrcode/create", WeChat::qrcode_create).per_day(100_000),
    Endpoint::download(SHOW, WeChat::showqrcode).without_token(),
    Endpoint::get("/cgi-bin/user/info", WeChat::user_info).per_day(5_000_000),
    Endpoint::post("/cgi-bin/user/info/batchget", WeChat::user_info_batch),
    Endpoint::get("/cgi-bin/user/get", WeChat::user_get).per_day(500),
    Endpoint::post("/cgi-bin/changeopenid", WeChat::change_openids),
    Endpoint::post("/cgi-bin/menu/create", WeChat::menu_create).per_day(1_000),
    Endpoint::get("/cgi-bin/menu/get", WeChat::menu_get).per_day(10_000),
    Endpoint::get("/cgi-bin/menu/delete", WeChat::menu_delete).per_day(1_000),
    Endpoint::post("/cgi-bin/menu/addconditional", WeChat::menu_add_conditional).per_day(2_000),
    Endpoint::post(
        "/cgi-bin/menu/delconditional",
        WeChat::menu_delete_conditional,
    )
    .per_day(2_000),
    Endpoint::post("/cgi-bin/menu/trymatch", WeChat::menu_try_match).per_day(20_000),
    Endpoint::get(
        "/cgi-bin/get_current_selfmenu_info",
        WeChat::current_selfmenu,
    ),
    Endpoint::post("/cgi-bin/tags/create", WeChat::tags_create),
    Endpoint::get("/cgi-bin/tags/get", WeChat::tags_get),
    Endpoint::post("/cgi-bin/tags/members/batchtagging", WeChat::tags_give),
    Endpoint::download(AUTHORIZE, WeChat::authorize).without_token(),
    Endpoint::form(CONFIRM, WeChat::confirm).without_token(),
    Endpoint::download(AVATAR, WeChat::avatar).without_token(),
    Endpoint::get("/sns/oauth2/access_token", WeChat::exchange_code).without_token(),
    Endpoint::get("/sns/oauth2/refresh_token", WeChat::refresh_oauth).without_token(),
    Endpoint::get("/sns/userinfo", WeChat::userinfo).without_token(),
    Endpoint::get("/sns/auth", WeChat::check_oauth).without_token(),
];

impl WeChat {
    /// Answers an API call.
    pub(super) fn answer(
        &mut self,
        request: &Request,
        rid: &str,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Response {
        let answered = self.call(&mut Call { request, now, rng });
        answered.unwrap_or_else(|refusal| {
            let content_type = self.settings.content_type_of(&request.path);
            refuse(&refusal, rid, content_type)
        })
    }

    fn call(&mut self, call: &mut Call<'_>) -> Result<Response, Refusal> {
        let path = call.request.path.as_str();
        let endpoint = ENDPOINTS
            .iter()
            .find(|endpoint| endpoint.path == path)
            .ok_or_else(|| Refusal::new(UNKNOWN_PATH))?;
        if call.request.method != endpoint.verb {
            let code = if endpoint.verb == "GET" { 43001 } else { 43002 };
            return Err(Refusal::new(code));
        }
        if endpoint.needs_token {
            let token = call.request.param("access_token");
            self.tokens.check(token.as_deref(), call.now)?;
        }
        let per_day = self.settings.daily_limits.get(path).copied();
        let per_minute = self.settings.minute_limits.get(path).copied();
        self.quotas.charge(
            path,
            per_day.or(endpoint.per_day),
            per_minute.or(endpoint.per_minute),
            call.now,
        )?;
        match endpoint.run {
            Run::Object(run) => run(self, call).map(|object| self.right(&object)),
            Run::Download(run) => run(self, call),
        }
    }

    /// Calls a day of a path; `None` for a path that has no limit, or that does not exist.
    pub(super) fn daily_limit(&self, path: &str) -> Option<u32> {
        let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.path == path);
        let set = self.settings.daily_limits.get(path).copied();
        set.or(endpoint?.per_day)
    }

    fn right(&self, object: &Value) -> Response {
        let mut response = json(200, object, &self.settings.content_type);
        if self.settings.control_char_in_user_info {
            unescape_control_char(&mut response);
        }
        response
    }
}

/// The answer to a refused call: HTTP 200, as all of WeChat's are but that for an unknown path.
pub(super) fn refuse(refusal: &Refusal, rid: &str, content_type: &str) -> Response {
    let status = if refusal.code == UNKNOWN_PATH {
        404
    } else {
        200
    };
    json(status, &refusal.object(rid), content_type)
}

pub(super) fn json(status: u16, object: &Value, content_type: &str) -> Response {
    Response {
        status,
        headers: vec![("content-type".to_owned(), content_type.to_owned())],
        body: object.to_string().into_bytes(),
    }
}

/// WeChat does not escape control characters in its answers (`wechat.md` 0).
fn unescape_control_char(response: &mut Response) {
    let body = String::from_utf8_lossy(&response.body);
    response.body = body.replace("\\u0001", "\u{1}").into_bytes();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_real_unicode_escape_is_found() {
        assert!(has_unicode_escape(br#"{"a":"\u4f60"}"#));
        assert!(has_unicode_escape(br#"{"a":"\\\u4f60"}"#));
        assert!(!has_unicode_escape(br#"{"a":"\\u4f60 \n"}"#));
        assert!(!has_unicode_escape("{\"a\":\"你\"}".as_bytes()));
    }
}
