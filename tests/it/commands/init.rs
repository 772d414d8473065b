//! `qiao init`: from nothing to a configuration that lacks only what the platforms give.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;

use super::{Told, binary, run};

const FLAGS: [&str; 10] = [
    "--public-url",
    "https://bridge.example.cn/qiao/",
    "--app-id",
    "wx0123456789abcdef",
    "--original-id",
    "gh_0123456789ab",
    "--c4c-url",
    "https://my000000.crm.ondemand.com",
    "--c4c-username",
    "QIAO",
];

const MADE: [&str; 4] = [
    "wechat-token",
    "wechat-aes-key",
    "c4c-notify-password",
    "c4c-notify-key",
];

const GIVEN: [&str; 2] = ["wechat-secret", "c4c-password"];

fn nowhere() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qiao.toml");
    (folder, file)
}

async fn init(file: &Path) -> Told {
    run(file, &[&["init", "--yes"][..], &FLAGS].concat()).await
}

/// Answers the questions, a line each.
async fn answered(file: &Path, lines: &str) -> Told {
    let mut child = binary(file)
        .arg("init")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).await.unwrap();
    drop(stdin);
    let ended = child.wait_with_output().await.unwrap();
    Told {
        code: ended.status.code().unwrap(),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

fn secret(file: &Path, name: &str) -> String {
    let text = std::fs::read_to_string(file.with_file_name(name)).unwrap();
    text.trim_end().to_owned()
}

fn names(folder: &TempDir) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_two_secrets_of_the_platforms_the_configuration_is_valid() {
    let (folder, file) = nowhere();
    let told = init(&file).await;
    assert_eq!((told.code, told.err.as_str()), (0, ""), "{told:?}");
    let check = run(&file, &["check"]).await;
    check.fails(2, "wechat.main.app_secret: the secret is empty");
    check.fails(2, "c4c.main.password: the secret is empty");
    assert_eq!(check.err.lines().count(), 2, "{check:?}");
    for name in GIVEN {
        told.says(name);
        std::fs::write(file.with_file_name(name), "from-the-platform\n").unwrap();
    }
    let check = run(&file, &["check"]).await;
    assert_eq!(
        check.out,
        format!("{}: the configuration is valid\n", file.display())
    );
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("# Weekly hours in which nothing is called"),
        "it explains itself"
    );
    for name in names(&folder) {
        let mode = std::fs::metadata(folder.path().join(&name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_entered_on_both_sides_is_told_letter_by_letter() {
    let (_folder, file) = nowhere();
    let told = init(&file).await;
    for (word, value) in [
        (
            "服务器地址 URL",
            "https://bridge.example.cn/qiao/wechat/main".to_owned(),
        ),
        ("令牌 Token", secret(&file, "wechat-token")),
        ("EncodingAESKey", secret(&file, "wechat-aes-key")),
        ("消息加解密方式 mode", "安全模式 (safe)".to_owned()),
        (
            "Endpoint",
            "https://bridge.example.cn/qiao/c4c/main/notifications".to_owned(),
        ),
        ("User ID", "c4c".to_owned()),
        ("Password", secret(&file, "c4c-notify-password")),
    ] {
        let line = told
            .out
            .lines()
            .find(|line| line.trim_start().starts_with(word));
        assert_eq!(
            line.map(|line| line.trim_start()[word.len()..].trim()),
            Some(&*value),
            "{word}"
        );
    }
    let key = secret(&file, "c4c-notify-key");
    told.says(&format!(
        "https://bridge.example.cn/qiao/c4c/main/notifications/{key}"
    ));
    told.says(&format!(
        "https://bridge.example.cn/qiao/c4c/main/replies/{key}"
    ));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        MADE.iter().all(|name| !text.contains(&secret(&file, name))),
        "secrets are beside it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_differ_each_time() {
    let (first, second) = (nowhere(), nowhere());
    init(&first.1).await;
    init(&second.1).await;
    for name in MADE {
        let two = [secret(&first.1, name), secret(&second.1, name)];
        assert!(two[0].len() >= 24 && two[0] != two[1], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_exists_is_overwritten() {
    for name in ["qiao.toml", "wechat-aes-key", "c4c-password"] {
        let (folder, file) = nowhere();
        std::fs::write(folder.path().join(name), "mine").unwrap();
        init(&file)
            .await
            .fails(1, &format!("{name} exists already"));
        assert_eq!(secret(&file, name), "mine");
        assert_eq!(names(&folder).len(), 1, "and nothing is made beside it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_through_a_pipe_and_a_wrong_answer_is_asked_for_again() {
    let (_folder, file) = nowhere();
    let lines = "bridge.example.cn\nhttps://bridge.example.cn\nwx01\n\nwx0123456789abcdef\n\n\
                 https://my000000.crm.ondemand.com/path\nhttps://my000000.crm.ondemand.com\n\n";
    let told = answered(&file, lines).await;
    assert_eq!(told.code, 0, "{told:?}");
    for piece in [
        "this is no URL",
        "an AppID is",
        "the URL has a path",
        "[_QIAO]",
    ] {
        assert!(told.err.contains(piece), "{piece}: {told:?}");
    }
    let text = std::fs::read_to_string(&file).unwrap();
    for line in [
        "public_url = \"https://bridge.example.cn\"",
        "app_id = \"wx0123456789abcdef\"",
        "#original_id = \"gh_0123456789ab\"",
        "url = \"https://my000000.crm.ondemand.com\"",
        "username = \"_QIAO\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_wrong_is_named_with_its_option_and_nothing_is_written() {
    let (folder, file) = nowhere();
    let told = run(&file, &["init", "--yes", "--public-url", "nowhere"]).await;
    for (key, flag) in [
        ("server.public_url", "--public-url"),
        ("wechat.main.app_id", "--app-id"),
        ("c4c.main.url", "--c4c-url"),
    ] {
        told.fails(2, key);
        told.fails(2, flag);
    }
    answered(&file, "https://bridge.example.cn\n")
        .await
        .fails(1, "give it as --app-id");
    assert_eq!(names(&folder).len(), 0);
}
