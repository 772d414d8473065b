//! What is entered on the other sides, to be copied letter by letter.

use std::path::Path;

use super::answers::{ACCOUNT, Answers, QUESTIONS, TENANT};
use super::secrets::Secret;
use super::text::NOTIFY_USERNAME;

/// What is shown where nobody has said how Qiao is reached.
const NO_URL: &str = "https://YOUR-SERVER";

/// The sheet, in the order of work.
pub(super) fn sheet(file: &Path, answers: &Answers, secrets: &[Secret]) -> String {
    let public = match answers.get(QUESTIONS[0].key).trim_end_matches('/') {
        "" => NO_URL,
        url => url,
    };
    let (account, tenant) = (id(ACCOUNT), id(TENANT));
    let value = |name: &str| {
        let found = secrets.iter().find(|secret| secret.name == name);
        found
            .and_then(|secret| secret.value.as_deref())
            .unwrap_or_default()
    };
    let missing: Vec<String> = secrets
        .iter()
        .filter(|secret| secret.value.is_none())
        .map(|secret| format!("   {:<22}{}", secret.name, secret.source))
        .collect();
    let missing = missing.join("\n");
    let (password, key) = (value("c4c-notify-password"), value("c4c-notify-key"));
    let (config, folder) = (
        file.display(),
        file.parent().unwrap_or(Path::new("")).display(),
    );
    let folder = if folder.to_string().is_empty() {
        ".".to_owned()
    } else {
        folder.to_string()
    };
    format!(
        "Written: {config}, and its secrets beside it. Only you may read them: if the daemon runs as another \
         user, give the files to that user.

1. Put into these files in {folder}
{missing}
   then `qiao -c {config} check` must say that the configuration is valid.

2. Start `qiao -c {config} serve`. Then enter in the WeChat console, 设置与开发 → 基本配置 → 服务器配置
   服务器地址 URL          {public}/wechat/{account}
   令牌 Token              {token}
   EncodingAESKey          {aes_key}
   消息加解密方式 mode     安全模式 (safe)
   and under IP白名单 the address from which this server reaches the Internet.

3. Enter in C4C, Administrator → General Settings → Event Notification → All Consumers (External Consumer)
   Endpoint                {public}/c4c/{tenant}/notifications
   User ID                 {NOTIFY_USERNAME}
   Password                {password}
   or, where the screen has no credentials, the endpoint
                           {public}/c4c/{tenant}/notifications/{key}

4. For agents' answers enter in C4C, Administrator → Business Flexibility → Mashup Web Services (REST, POST, Form)
   URL                     {public}/c4c/{tenant}/replies
   with the same user and password, or without
                           {public}/c4c/{tenant}/replies/{key}

docs/WECHAT-SETUP.md and docs/C4C-SETUP.md tell each step, and what you should see.",
        token = value("wechat-token"),
        aes_key = value("wechat-aes-key"),
    )
}

/// The id in the name of a table.
fn id(table: &str) -> &str {
    table.rsplit('.').next().unwrap_or(table)
}
