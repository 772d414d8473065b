//! What `deploy/` promises: the unit is hardened, the package has its files, and the group may read what the
//! daemon writes.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::documents::read;
use crate::process::Site;

/// The exposure that the unit may have, of 10 (issue 5).
const MOST_EXPOSED: f64 = 1.5;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_unit_leaves_little_exposed() {
    let unit = root().join("deploy/qiao.service");
    let mut judge = Command::new("systemd-analyze");
    judge
        .args(["security", "--offline=true", "--no-pager"])
        .arg(unit);
    let Ok(judged) = judge.output() else {
        eprintln!("not judged: there is no systemd-analyze here");
        return;
    };
    let told = String::from_utf8_lossy(&judged.stdout).into_owned();
    let level = Regex::new(r"Overall exposure level for qiao\.service: ([0-9.]+)").unwrap();
    let Some(level) = level.captures(&told) else {
        let fault = String::from_utf8_lossy(&judged.stderr).into_owned();
        assert!(fault.contains("offline"), "{told}\n{fault}");
        eprintln!("not judged: this systemd-analyze is too old for --offline");
        return;
    };
    let level: f64 = level[1].parse().unwrap();
    assert!(level <= MOST_EXPOSED, "{told}");
}

#[test]
fn the_unit_has_a_fixed_user_and_lets_the_group_read() {
    let unit = read("deploy/qiao.service");
    for line in [
        "Type=notify",
        "User=qiao",
        "Group=qiao",
        "StateDirectory=qiao",
        "StateDirectoryMode=0750",
        "UMask=0027",
    ] {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
    assert!(read("deploy/qiao.sysusers").contains("\nu qiao "));
    assert!(read("deploy/qiao.tmpfiles").contains("\nd /var/lib/qiao 0750 qiao qiao"));
}

/// The files of the Debian package as `Cargo.toml` names them: source, place, mode.
fn assets() -> Vec<[String; 3]> {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let text = |value: &toml::Value| value.as_str().unwrap().to_owned();
    let assets = deb["assets"].as_array().unwrap().iter();
    assets
        .map(|asset| std::array::from_fn(|at| text(&asset[at])))
        .collect()
}

#[test]
fn every_file_of_the_package_exists() {
    let assets = assets();
    assert!(
        assets
            .iter()
            .any(|[from, ..]| from == "target/release/qiao")
    );
    for [from, ..] in &assets {
        let file = root().join(from);
        match from.rsplit_once("/*.") {
            _ if from == "target/release/qiao" => {}
            Some((folder, ending)) => {
                let mut files = std::fs::read_dir(root().join(folder)).unwrap();
                let one = files.any(|file| {
                    file.unwrap()
                        .path()
                        .extension()
                        .is_some_and(|e| e == ending)
                });
                assert!(one, "{from}");
            }
            None => assert!(file.is_file(), "{from}"),
        }
    }
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let deb = &manifest["package"]["metadata"]["deb"];
    let installed: Vec<String> = assets
        .iter()
        .filter(|[_, to, _]| to == "etc/qiao/")
        .map(|[from, ..]| format!("/etc/qiao/{}", from.rsplit('/').next().unwrap()))
        .collect();
    let kept = deb["conf-files"].as_array().unwrap().iter();
    let kept: Vec<&str> = kept.map(|file| file.as_str().unwrap()).collect();
    assert_eq!(kept, installed, "what people edit is not overwritten");
    for script in ["postinst", "postrm"] {
        let text = read(&format!(
            "{}/{script}",
            deb["maintainer-scripts"].as_str().unwrap()
        ));
        assert!(text.contains("#DEBHELPER#"), "{script}");
    }
    let secrets = assets.iter().find(|[from, ..]| from == "deploy/qiao.env");
    assert_eq!(secrets.unwrap()[2], "600");
}

#[test]
fn the_configuration_of_the_package_lacks_nothing_but_accounts_and_tenants() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("qiao.toml");
    std::fs::write(&file, read("deploy/qiao.toml")).unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_qiao"))
        .env_clear()
        .arg("-c")
        .arg(&file)
        .arg("check")
        .output()
        .unwrap();
    let told = String::from_utf8(checked.stderr).unwrap();
    let wanted = ["no tenant is configured", "no account is configured"];
    assert_eq!(told.lines().count(), wanted.len(), "{told}");
    assert!(wanted.iter().all(|lack| told.contains(lack)), "{told}");
    assert!(read("deploy/qiao.toml").contains("sqlite:/var/lib/qiao/qiao.db"));
}

#[test]
fn the_container_is_built_of_what_is_here_and_runs_without_root() {
    let file = read("deploy/Containerfile");
    let last = file.rsplit_once("\nFROM ").unwrap().1;
    assert!(last.lines().any(|line| line == "USER nonroot"));
    assert!(last.contains("HEALTHCHECK") && last.contains("ENTRYPOINT"));
    let health = r#"CMD ["/usr/bin/qiao", "-c", "/etc/qiao/qiao.toml", "doctor", "--alive"]"#;
    assert!(last.contains(health), "it needs neither shell nor curl");
    let toolchain = read("Cargo.toml");
    let version = Regex::new(r#"rust-version = "([\d.]+)""#).unwrap();
    let version = &version.captures(&toolchain).unwrap()[1];
    assert!(file.contains(&format!("/rust:{version}-")), "{version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_the_units_umask_the_group_may_read_the_database_and_nobody_else_anything() {
    let site = Site::new().await;
    let mut umasked = tokio::process::Command::new("sh");
    let script = "umask 0027; exec \"$0\" \"$@\"";
    umasked.args(["-c", script, env!("CARGO_BIN_EXE_qiao")]);
    let daemon = site.serve_by(umasked).await;
    let database = site.database();
    for (end, expected) in [("", 0o640), ("-wal", 0o640), ("-shm", 0o640)] {
        let mut path = database.clone().into_os_string();
        path.push(end);
        assert_eq!(mode(Path::new(&path)), expected, "{}", path.display());
    }
    let folder = database.parent().unwrap();
    assert_eq!(mode(folder), 0o750);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o007, 0, "{}", path.display());
        assert_eq!(mode(&path) & 0o020, 0, "{}", path.display());
    }
    daemon.terminate().await;
}

fn mode(path: &Path) -> u32 {
    let meta =
        std::fs::metadata(path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
    meta.permissions().mode() & 0o777
}
