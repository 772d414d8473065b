//! Single bad values: each is told once, with key, reason and remedy.

use super::{changed, loaded};

/// One bad value a line: the change, the key and a part of the reason.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "server.listen = \"localhost\"",
        "server.listen",
        "no IP address with a port",
    ),
    ("server.listen = 8080", "server.listen", "must be a text"),
    (
        "server.admin_listen = \"127.0.0.1:8080\"",
        "server.admin_listen",
        "address of server.listen",
    ),
    (
        "server.public_url = \"bridge.example.cn\"",
        "server.public_url",
        "no URL",
    ),
    (
        "server.public_url = \"ftp://bridge.example.cn\"",
        "server.public_url",
        "neither https:// nor",
    ),
    (
        "server.public_url = \"https://a.cn/#x\"",
        "server.public_url",
        "#fragment",
    ),
    (
        "server.trusted_proxies = [\"127.0.0.1\", \"proxy\"]",
        "server.trusted_proxies[1]",
        "no IP address",
    ),
    (
        "server.trusted_proxies = 3",
        "server.trusted_proxies",
        "list of texts",
    ),
    (
        "server.time_zone = \"Mars/Olympus\"",
        "server.time_zone",
        "time zone database",
    ),
    ("server = 3", "server", "must be a table"),
    (
        "database.url = \"postgres://x\"",
        "database.url",
        "no SQLite URL",
    ),
    (
        "database.url = \"sqlite::memory:\"",
        "database.url",
        "lose what was acknowledged",
    ),
    (
        "database.url = \"sqlite:a.db?mode=ro\"",
        "database.url",
        "has parameters",
    ),
    (
        "database.url = \"sqlite:data/\"",
        "database.url",
        "names a folder",
    ),
    (
        "outbound.proxy = \"proxy:3128\"",
        "outbound.proxy",
        "neither https:// nor",
    ),
    (
        "jobs.reconcile.schedule = \"61 3 * * *\"",
        "jobs.reconcile.schedule",
        "the field \"minute\"",
    ),
    (
        "jobs.reconcile.schedule = \"3:30\"",
        "jobs.reconcile.schedule",
        "five fields",
    ),
    (
        "jobs.reconcile.schedule = \"0 3 30 2 *\"",
        "jobs.reconcile.schedule",
        "never fire",
    ),
    (
        "jobs.index.schedule = \"every 0 s\"",
        "jobs.index.schedule",
        "whole number from 1",
    ),
    (
        "jobs.reconcile.zone = \"Mars/Olympus\"",
        "jobs.reconcile.zone",
        "time zone database",
    ),
    (
        "jobs.expire.schedule = \"off\"",
        "jobs.expire.schedule",
        "cannot do without the job expire",
    ),
    (
        "jobs.recconcile.schedule = \"off\"",
        "jobs.recconcile",
        "no such job",
    ),
    (
        "jobs.reconcile = \"off\"",
        "jobs.reconcile",
        "must be a table",
    ),
    ("retention.inbox = 13", "retention.inbox", "between 14 and"),
    (
        "retention.messages = -1",
        "retention.messages",
        "neither 0 nor",
    ),
    (
        "retention.attempts = \"long\"",
        "retention.attempts",
        "no whole number",
    ),
    (
        "app.session_hours = 0",
        "app.session_hours",
        "between 1 and 720",
    ),
    (
        "app.frame_ancestors = [\"https://a.cn/x\"]",
        "app.frame_ancestors[0]",
        "no origin",
    ),
    (
        "app.pages.api.folder = \"x\"",
        "app.pages.api",
        "qiao's own",
    ),
    (
        "app.pages.map.folder = \"x\"",
        "app.pages.map",
        "qiao's own",
    ),
    (
        "app.pages.a.scope = \"snsapi_base\"",
        "app.pages.a.folder",
        "missing",
    ),
    (
        "app.pages.a = { folder = \"x\", scope = \"base\" }",
        "app.pages.a.scope",
        "not known",
    ),
    (
        "app.pages.a = { folder = \"x\", account = \"b\" }",
        "app.pages.a.account",
        "no such table",
    ),
    (
        "app.pages.\"A b\".folder = \"x\"",
        "app.pages.A b",
        "cannot be used",
    ),
    ("app.pages.folder = \"x\"", "app.pages", "belong to no page"),
    (
        "wechat.main.mp_verify = [\"a/b\"]",
        "wechat.main.mp_verify[0]",
        "no code",
    ),
    (
        "wechat.main.app_id = \"wx123\"",
        "wechat.main.app_id",
        "16 digits",
    ),
    (
        "wechat.main.app_id = {}",
        "wechat.main.app_id",
        "missing or empty",
    ),
    (
        "wechat.main.app_secret = \"env:GONE\"",
        "wechat.main.app_secret",
        "GONE is not set",
    ),
    (
        "wechat.main.original_id = \"main\"",
        "wechat.main.original_id",
        "gh_",
    ),
    ("wechat.main.token = \"ab\"", "wechat.main.token", "3 to 32"),
    (
        "wechat.main.token = [\"abc\", \"x y z\"]",
        "wechat.main.token[1]",
        "3 to 32",
    ),
    (
        "wechat.main.token = []",
        "wechat.main.token",
        "missing or empty",
    ),
    (
        "wechat.main.encoding_aes_key = \"short\"",
        "wechat.main.encoding_aes_key",
        "43 letters",
    ),
    (
        "wechat.main.encoding_aes_key = \"abcdefghijklmnopqrstuvwxyz0123456789ABCDEF=\"",
        "wechat.main.encoding_aes_key",
        "43 letters",
    ),
    (
        "wechat.main.access_token = \"mine\"",
        "wechat.main.access_token",
        "neither a known word",
    ),
    (
        "wechat.main.api_url = \"https://u:p@a.cn\"",
        "wechat.main.api_url",
        "credentials",
    ),
    (
        "wechat.main.api_url = \"https://a.cn?x=1\"",
        "wechat.main.api_url",
        "?query",
    ),
    (
        "wechat.main.tenant = \"other\"",
        "wechat.main.tenant",
        "no such table",
    ),
    (
        "wechat.main.on_unfollow = \"forget\"",
        "wechat.main.on_unfollow",
        "not known",
    ),
    (
        "wechat.main.existing_followers = \"all\"",
        "wechat.main.existing_followers",
        "not known",
    ),
    (
        "wechat.main.uncertain_send = \"maybe\"",
        "wechat.main.uncertain_send",
        "not known",
    ),
    (
        "wechat.main.answer_hook = \"ask me\"",
        "wechat.main.answer_hook",
        "no URL",
    ),
    (
        "wechat.main.texts.welcome = \"{changes}\"",
        "wechat.main.texts.welcome",
        "{changes} is not known",
    ),
    (
        "wechat.main.texts.customer_created = \"{Customer_ID}\"",
        "wechat.main.texts.customer_created",
        "{Customer_ID} is not known",
    ),
    (
        "wechat.main.templates.reply = { data = { a = \"x\" } }",
        "wechat.main.templates.reply.template_id",
        "missing",
    ),
    (
        "wechat.main.templates.reply = { template_id = \"t\" }",
        "wechat.main.templates.reply.data",
        "missing",
    ),
    (
        "wechat.main.templates.reply = { template_id = \"t\", data = { a = \"{openid}\" } }",
        "wechat.main.templates.reply.data.a",
        "{openid} is not known",
    ),
    (
        "wechat.main.rules = \"none\"",
        "wechat.main.rules",
        "list of tables",
    ),
    (
        "wechat.main.rules = [{ when.text = \"a\" }]",
        "wechat.main.rules[0].then",
        "none of its keys",
    ),
    (
        "wechat.main.rules = [{ when = { text = \"a\", click = \"b\" }, then.text = \"c\" }]",
        "wechat.main.rules[0].when",
        "text and click exclude each other",
    ),
    (
        "wechat.main.rules = [{ when.regex = \"(\", then.text = \"c\" }]",
        "wechat.main.rules[0].when.regex",
        "unclosed group",
    ),
    (
        "wechat.main.rules = [{ when.text = \"a\", then.action = \"dance\" }]",
        "wechat.main.rules[0].then.action",
        "not known",
    ),
    (
        "wechat.main.rules = [{ when.text = \"a\", then.news.url = \"https://a.cn\" }]",
        "wechat.main.rules[0].then.news.title",
        "missing",
    ),
    (
        "c4c.main.url = \"https://my000000.crm.ondemand.com/sap\"",
        "c4c.main.url",
        "has a path",
    ),
    (
        "c4c.main.username = \"a:b\"",
        "c4c.main.username",
        "no colon",
    ),
    (
        "c4c.main.password = \"пароль\"",
        "c4c.main.password",
        "not Latin",
    ),
    (
        "c4c.main.password = \"密码123\"",
        "c4c.main.password",
        "not Latin",
    ),
    (
        "c4c.main.password = \"100€\"",
        "c4c.main.password",
        "¤ £ € ½ §",
    ),
    (
        "c4c.main.service = \"c4codataapi\"",
        "c4c.main.service",
        "no path",
    ),
    ("c4c.main.csrf = \"on\"", "c4c.main.csrf", "not known"),
    ("backup.keep = -1", "backup.keep", "between 0 and 1000"),
    ("backup.keep = 1001", "backup.keep", "between 0 and 1000"),
    (
        "c4c.main.max_calls = 1",
        "c4c.main.max_calls",
        "between 2 and 9",
    ),
    (
        "c4c.main.max_calls = 10",
        "c4c.main.max_calls",
        "between 2 and 9",
    ),
    (
        "c4c.main.max_calls = \"four\"",
        "c4c.main.max_calls",
        "no whole number",
    ),
    (
        "c4c.main.maintenance = [\"Sat\"]",
        "c4c.main.maintenance[0]",
        "a day, hours and a time zone",
    ),
    (
        "c4c.main.customer.LastName = \"{changes}\"",
        "c4c.main.customer.LastName",
        "{changes} is not known",
    ),
    (
        "c4c.main.customer.\"Last-Name\" = \"x\"",
        "c4c.main.customer.Last-Name",
        "no name of an OData",
    ),
    (
        "c4c.main.lookup = []",
        "c4c.main.lookup",
        "missing or empty",
    ),
    (
        "c4c.main.watch = [\"Last Name\"]",
        "c4c.main.watch[0]",
        "no name of an OData",
    ),
    (
        "c4c.main.wechat_id = { field = \"A\" }",
        "c4c.main.wechat_id.write",
        "missing",
    ),
    (
        "c4c.main.wechat_id = { set = \"S\", field = \"A\", write = \"patch\" }",
        "c4c.main.wechat_id",
        "belong together",
    ),
    (
        "c4c.main.wechat_id = { service = \"/s\", set = \"S\", parent = \"P\", field = \"A\", write = \"create\" }",
        "c4c.main.wechat_id.write",
        "cannot be sent with the create",
    ),
    (
        "c4c.main.notify_password = {}",
        "c4c.main.notify_password",
        "missing",
    ),
    (
        "c4c.main.notify_username = {}",
        "c4c.main.notify_username",
        "missing",
    ),
    (
        "c4c.main = { notify_username = {}, notify_password = {} }",
        "c4c.main.notify_username",
        "anyone could send",
    ),
    (
        "c4c.main.notify_key = \"short\"",
        "c4c.main.notify_key",
        "16 to 128",
    ),
    (
        "c4c.main.notify_key = \"0123456789/abcdef\"",
        "c4c.main.notify_key",
        "16 to 128",
    ),
    (
        "c4c.main.poll_answers = \"often\"",
        "c4c.main.poll_answers",
        "not known",
    ),
    (
        "wechat.main.conversation.reply_note = \"10008\"",
        "wechat.main.conversation.reply_note",
        "what followers write",
    ),
    (
        "wechat.main.conversation.reply_note = \"answer\"",
        "wechat.main.conversation.reply_note",
        "no type of notes",
    ),
];

#[test]
fn each_bad_value_is_told_once_with_key_reason_and_remedy() {
    for (change, key, reason) in REFUSED {
        let errors = loaded(&changed(change)).expect_err(change).0;
        assert_eq!(errors.len(), 1, "{change}: {errors:?}");
        assert_eq!(errors[0].key, *key, "{change}");
        assert!(errors[0].reason.contains(reason), "{change}: {}", errors[0]);
        assert!(!errors[0].remedy.is_empty(), "{change}");
    }
}
