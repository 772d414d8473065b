//! QR codes with a scene (`wechat.md` 7): made by qrcode/create, scanned by ticket, shown as a picture.
//!
//! The codes of refused arguments are from old lists of WeChat's codes and not in the reference; nor is it known
//! whether a permanent code that is made again counts again.

use std::time::Duration;

use jiff::Timestamp;
use qrcode::Color;
use rand::Rng;
use serde::Serialize;
use serde_json::{Value, json};

use super::api::Call;
use super::ids;
use super::refusal::{Outcome, Refusal};
use super::{WeChat, later};
use crate::wire::Response;

/// Where the picture of a ticket is; on mp.weixin.qq.com, without a token.
pub(super) const SHOW: &str = "/cgi-bin/showqrcode";

/// The longest life of a temporary code, seconds.
const LONGEST: i64 = 2_592_000;

/// The life of a temporary code that names none, seconds.
const SHORTEST: i64 = 60;

/// A code that the account has had made.
#[derive(Debug, Clone, Serialize)]
pub struct QrCode {
    /// What showqrcode takes.
    pub ticket: String,
    /// What the picture says.
    pub url: String,
    /// What the push tells of it.
    pub scene: String,
    /// `QR_SCENE` …
    pub action: String,
    /// Until when it can be scanned; absent: for ever.
    pub expires_at: Option<Timestamp>,
}

impl QrCode {
    fn is_good(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

impl WeChat {
    /// Every code that was made, oldest first.
    pub fn qr_codes(&self) -> &[QrCode] {
        &self.qr_codes
    }

    /// Somebody scans the code with this ticket, or with this in its picture: they are asked to follow and do, or
    /// are pushed as having scanned. `None`: the code is unknown or has expired, and nothing happens.
    pub fn scan_code(
        &mut self,
        openid: &str,
        named: &str,
        now: Timestamp,
        rng: &mut dyn Rng,
    ) -> Option<u64> {
        let is_it = |code: &&QrCode| code.ticket == named || code.url == named;
        let code = self.qr_codes.iter().find(is_it)?;
        if !code.is_good(now) {
            return None;
        }
        let (scene, ticket) = (code.scene.clone(), code.ticket.clone());
        let follows = self.people.get(openid).is_some_and(|p| p.subscribed);
        Some(if follows {
            self.scan_by(openid, &scene, &ticket, now, rng)
        } else {
            self.follow_by(openid, Some((&scene, &ticket)), now, rng)
        })
    }

    /// `POST /cgi-bin/qrcode/create`.
    pub(super) fn qrcode_create(&mut self, call: &mut Call<'_>) -> Outcome {
        let body = call.json()?;
        let action = body["action_name"].as_str().unwrap_or_default();
        let scene = &body["action_info"]["scene"];
        let (is_text, is_permanent) = match action {
            "QR_SCENE" => (false, false),
            "QR_STR_SCENE" => (true, false),
            "QR_LIMIT_SCENE" => (false, true),
            "QR_LIMIT_STR_SCENE" => (true, true),
            _ => return Err(Refusal::new(40052)),
        };
        let scene = if is_text {
            text_scene(scene)?
        } else {
            number_scene(scene, is_permanent)?
        };
        let lives = if is_permanent {
            None
        } else {
            Some(lifetime(&body)?)
        };
        let permanent = self.qr_codes.iter().filter(|c| c.expires_at.is_none());
        if is_permanent && permanent.count() >= self.settings.permanent_qr_codes {
            return Err(Refusal::new(45029));
        }
        let code = QrCode {
            ticket: ticket(call.rng),
            url: format!("http://weixin.qq.com/q/{}", ids::random_text(22, call.rng)),
            scene,
            action: action.to_owned(),
            expires_at: lives.map(|lives| later(call.now, Duration::from_secs(lives))),
        };
        let mut told = json!({"ticket": code.ticket, "url": code.url});
        if let Some(lives) = lives {
            told["expire_seconds"] = json!(lives);
        }
        self.qr_codes.push(code);
        Ok(told)
    }

    /// `GET /cgi-bin/showqrcode`: a picture, also of a code that has expired; a page for a ticket that is none.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "the table of operations wants one signature"
    )]
    pub(super) fn showqrcode(&mut self, call: &mut Call<'_>) -> Result<Response, Refusal> {
        let ticket = call.request.param("ticket").unwrap_or_default();
        let code = self.qr_codes.iter().find(|code| code.ticket == ticket);
        let picture = code.and_then(|code| picture(&code.url));
        let (status, content_type, body) = match picture {
            Some(bytes) => (200, "image/png", bytes),
            None => (404, "text/html", b"<h1>404</h1>".to_vec()),
        };
        Ok(Response {
            status,
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body,
        })
    }
}

/// 1 to 64 characters.
fn text_scene(scene: &Value) -> Result<String, Refusal> {
    let text = scene["scene_str"].as_str();
    let text = text.ok_or_else(|| Refusal::new(40053))?;
    if !(1..=64).contains(&text.chars().count()) {
        return Err(Refusal::new(40169));
    }
    Ok(text.to_owned())
}

/// A number of 32 bits with a sign, not 0; of a permanent code up to 100,000.
fn number_scene(scene: &Value, is_permanent: bool) -> Result<String, Refusal> {
    let most = if is_permanent {
        100_000
    } else {
        i64::from(i32::MAX)
    };
    let number = scene["scene_id"].as_i64();
    let number = number.filter(|number| (1..=most).contains(number));
    number
        .map(|number| number.to_string())
        .ok_or_else(|| Refusal::new(40053))
}

fn lifetime(body: &Value) -> Result<u64, Refusal> {
    let named = match &body["expire_seconds"] {
        Value::Null => Some(SHORTEST),
        seconds => seconds.as_i64(),
    };
    let seconds = named.filter(|seconds| (1..=LONGEST).contains(seconds));
    let seconds = seconds.ok_or_else(|| Refusal::new(40097))?;
    Ok(seconds.unsigned_abs())
}

pub(super) fn ticket(rng: &mut dyn Rng) -> String {
    format!("gQ{}", ids::random_text(92, rng))
}

/// A PNG of what a text says, ten pixels a module.
fn picture(text: &str) -> Option<Vec<u8>> {
    const SIDE: usize = 10;
    const MARGIN: usize = 4;
    let code = qrcode::QrCode::new(text).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let whole = (width + 2 * MARGIN) * SIDE;
    let mut pixels = vec![255; whole * whole];
    for (place, _) in colors
        .iter()
        .enumerate()
        .filter(|(_, c)| **c == Color::Dark)
    {
        let (row, column) = (place / width + MARGIN, place % width + MARGIN);
        for y in row * SIDE..(row + 1) * SIDE {
            let from = y * whole + column * SIDE;
            pixels[from..from + SIDE].fill(0);
        }
    }
    let side = u32::try_from(whole).ok()?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}
