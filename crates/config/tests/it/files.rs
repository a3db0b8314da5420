//! Finding and reading files.

use std::path::Path;

use ohmstead_config::{LoadError, find, load};

use crate::env;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for temporary files")
}

/// The error of loading `content`, with the folder's name taken out.
fn error_of(content: &[u8]) -> String {
    let folder = folder();
    let path = folder.path().join("ohmstead.yaml");
    std::fs::write(&path, content).expect("written");
    message(load(&path, &env), folder.path())
}

fn message(result: Result<ohmstead_config::Config, LoadError>, folder: &Path) -> String {
    let error = result.expect_err("the file is wrong").to_string();
    error.replace(&folder.display().to_string(), "DIR")
}

#[test]
fn files_that_are_no_text() {
    let big = vec![b'#'; 1_000_001];
    for (content, expected) in [
        (
            &b"devices: {}\nsite: { name: caf\xe9 }\n"[..],
            "DIR/ohmstead.yaml:2: byte 29 is not UTF-8: save the file in the encoding UTF-8",
        ),
        (
            b"\xff\xfed\0",
            "DIR/ohmstead.yaml:1: byte 0 is not UTF-8: save the file in the encoding UTF-8 (it is UTF-16 now)",
        ),
        (&big, "DIR/ohmstead.yaml is bigger than 1000000 bytes: this is no configuration of Ohmstead"),
    ] {
        assert_eq!(error_of(content), expected);
    }
}

#[test]
fn places_that_are_no_file() {
    let folder = folder();
    assert_eq!(
        message(load(&folder.path().join("none.yaml"), &env), folder.path()),
        "DIR/none.yaml does not exist"
    );
    assert_eq!(
        message(load(folder.path(), &env), folder.path()),
        "DIR is a folder: name the file in it, such as DIR/ohmstead.yaml"
    );
}

#[cfg(unix)]
#[test]
fn a_file_of_somebody_else() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let path = folder.path().join("ohmstead.yaml");
    std::fs::write(&path, "devices: {}").expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("mode set");
    match load(&path, &env) {
        Err(error) => assert!(error.to_string().contains("may not be read by this user"), "{error}"),
        // Root reads everything.
        Ok(_) => assert!(std::fs::read(&path).is_ok()),
    }
}

#[test]
fn paths_start_at_the_folder_of_the_file() {
    let folder = folder();
    let path = folder.path().join("ohmstead.yaml");
    std::fs::write(folder.path().join("mqtt.secret"), "hunter2\n").expect("written");
    std::fs::write(
        &path,
        "devices: {}\nmqtt: { username: u, password_file: mqtt.secret }\nlog: { file: logs/o.log }\ndata_dir: ../state\n",
    )
    .expect("written");
    let config = load(&path, &env).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(config.mqtt.and_then(|mqtt| mqtt.password_file), Some(folder.path().join("mqtt.secret")));
    assert_eq!(config.log.file, Some(folder.path().join("logs/o.log")));
    assert_eq!(config.data_dir, Some(folder.path().join("../state")));
}

#[test]
fn a_secret_that_cannot_be_read_is_shown_where_it_is_named() {
    let error = error_of(b"devices: {}\nmqtt:\n  username: u\n  password_file: nowhere/mqtt\n");
    assert!(error.starts_with("DIR/ohmstead.yaml:4:18: "), "{error}");
    assert!(error.contains("DIR/nowhere/mqtt") && error.contains("No such file"), "{error}");
    let error = error_of(b"devices: {}\nweb: { token_file: nowhere }\n");
    assert!(error.starts_with("DIR/ohmstead.yaml:2:20: "), "{error}");
}

#[test]
fn only_loading_looks_at_files() {
    let text = "devices: {}\nmqtt: { username: u, password_file: /nowhere/p, tls: { ca_file: /nowhere/ca.pem } }\nweb: { listen: 0.0.0.0:8230, token_file: /nowhere/t }\n";
    crate::good(text);
    let error = error_of(text.as_bytes());
    assert!(error.contains("/nowhere/p") && error.contains("/nowhere/t"), "{error}");
}

#[test]
fn an_explicit_path_is_taken_as_it_is() {
    assert_eq!(find(Some(Path::new("/x/y.yaml"))), Ok("/x/y.yaml".into()));
}
