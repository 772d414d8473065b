//! Looking at a page with more than eyes: its console, and axe, which knows what hinders people.

use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::Browser;

/// The innermost visible element whose own text, or whose label, holds what is asked for.
pub const WITH_TEXT: &str = r"
    const wanted = arguments[0];
    const squeezed = (text) => (text || '').replace(/\s+/g, ' ').trim();
    const own = (element) => [...element.childNodes]
        .filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join(' ');
    const said = (element) => [own(element), element.getAttribute('aria-label'),
        element.matches('input[type=submit], input[type=button]') ? element.value : ''].map(squeezed);
    const visible = (element) => element.getClientRects().length > 0
        && element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const holding = [...document.querySelectorAll('body, body *')].filter((element) =>
        !element.matches('script, style') && said(element).some((text) => text.includes(wanted)) && visible(element));
    return holding.find((element) => said(element).includes(wanted)) ?? holding[0] ?? null;
";

/// axe comes before it. Frames are looked at by a story that enters them.
const RUN_AXE: &str = r"
    const done = arguments[arguments.length - 1];
    window.axe.run(document, { iframes: false, resultTypes: ['violations'] }).then(
        (told) => done({ looked: told.passes.length, findings: told.violations.map((finding) => ({
            rule: finding.id, impact: finding.impact, help: finding.help,
            where: finding.nodes.map((node) => `${node.target.join(' ')}  ${node.html.slice(0, 200)}`) })) }),
        (fault) => done({ looked: 0, findings: [], fault: String(fault) }));
";

impl Browser {
    /// Fails with every finding that axe has about the page as it is now.
    pub async fn axe(&self) {
        let findings = self.findings().await;
        let url = self.url().await;
        assert!(findings.is_empty(), "axe about {url}: {findings:#?}");
    }

    /// What axe finds: the rule, why, and where.
    pub async fn findings(&self) -> Vec<String> {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/browser/node_modules/axe-core/axe.min.js"
        );
        let axe = std::fs::read_to_string(file)
            .unwrap_or_else(|fault| panic!("{file}: {fault}; `make browser` fetches it"));
        let script = format!("{axe};{RUN_AXE}");
        let told = self.client.execute_async(&script, Vec::new()).await;
        let told = told.expect("axe runs");
        assert!(told["looked"].as_u64() > Some(0), "axe saw nothing: {told}");
        let findings = told["findings"].as_array().into_iter().flatten();
        findings.map(|told| format!("{told:#}")).collect()
    }

    /// The errors that the console has told since it was last asked. A story that provokes one takes it
    /// from here, so that [`Browser::close`] does not find it.
    pub async fn console(&self) -> Vec<String> {
        let told = self.client.issue_cmd(ConsoleLog).await;
        let told = told.expect("chromedriver tells the console");
        let lines = told.as_array().into_iter().flatten();
        let severe = lines.filter(|line| line["level"] == "SEVERE");
        let text = |line: &Value| line["message"].as_str().unwrap_or_default().to_owned();
        // Chromium asks for that by itself, whatever the page says.
        let of_page = |text: &String| !text.contains("/favicon.ico ");
        severe.map(text).filter(of_page).collect()
    }
}

/// chromedriver's own command that hands over, and forgets, what the console said.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/se/log"))
    }

    fn method_and_body(&self, _: &Url) -> (axum::http::Method, Option<String>) {
        let body = json!({ "type": "browser" }).to_string();
        (axum::http::Method::POST, Some(body))
    }
}
