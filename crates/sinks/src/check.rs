//! What is wrong with settings before anything is sent.

use std::path::PathBuf;
use std::time::Duration;

use ohmstead_units::Timespan;
use reqwest::Url;

use crate::settings::{Influxdb, Postgresql, Prometheus, Settings};
use crate::{Secret, tls};

/// Why the settings cannot work, whatever the other side does.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A value that cannot be.
    #[error("sinks.{place}: {what}")]
    Wrong {
        /// The key, from the name of the sink on.
        place: String,
        /// What is wrong and what to do.
        what: String,
    },
    /// A file that is not there, or not text.
    #[error("sinks.{place}: {} cannot be read", path.display())]
    Unreadable {
        /// The key, from the name of the sink on.
        place: String,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// What is found wrong by a part that does not know the sink's name: the key and the words.
pub(crate) type Wrong = (&'static str, String);

fn wrong<T>(key: &'static str, what: impl Into<String>) -> Result<T, Wrong> {
    Err((key, what.into()))
}

/// Whether these settings can work at all. Files are read, nothing is sent.
pub fn check(name: &str, settings: &Settings) -> Result<(), SettingsError> {
    let place = |key: &str| format!("{name}.{}.{key}", settings.kind());
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !(1..=64).contains(&name.len()) || !name.chars().all(fine) {
        let what = "a sink's name is 1 to 64 letters, digits, `_` or `-`".to_owned();
        return Err(SettingsError::Wrong { place: name.to_owned(), what });
    }
    let own = match settings {
        Settings::Influxdb(influx) => influxdb(influx),
        Settings::Prometheus(prometheus) => self::prometheus(prometheus),
        Settings::Postgresql(postgres) => postgresql(postgres),
    };
    own.and_then(|()| numbers(settings))
        .map_err(|(key, what)| SettingsError::Wrong { place: place(key), what })?;
    for (key, given, file) in settings.secrets() {
        let Some(path) = file else { continue };
        if given.is_some() {
            let what = format!("{key} and {key}_file are both given; keep one");
            return Err(SettingsError::Wrong { place: place(key), what });
        }
        let place = place(&format!("{key}_file"));
        Secret::of_file(path).map_err(|source| SettingsError::Unreadable {
            place,
            path: path.clone(),
            source,
        })?;
    }
    if let Some(wanted) = settings.tls() {
        tls::configuration(wanted).map_err(|what| SettingsError::Wrong { place: place("tls"), what })?;
    }
    Ok(())
}

fn numbers(settings: &Settings) -> Result<(), Wrong> {
    let common = settings.common();
    let within = |key, span: Timespan, least: Duration, most: Duration| {
        if (least..=most).contains(&span.0) {
            return Ok(());
        }
        let (least, most) = (Timespan(least), Timespan(most));
        wrong(key, format!("{span} is not between {least} and {most}"))
    };
    let (second, hour) = (Duration::from_secs(1), Duration::from_secs(3600));
    within("every", common.every, second, hour)?;
    if let Some(snap) = common.snap {
        within("snap", snap, Duration::from_millis(1), hour)?;
        if !snap.0.as_nanos().is_multiple_of(1_000_000) {
            return wrong("snap", "expected whole milliseconds");
        }
    }
    if !(1..=100_000).contains(&common.max_batch) {
        return wrong("max_batch", format!("{} is not between 1 and 100000", common.max_batch));
    }
    if common.catch_up_per_s == 0 {
        return wrong("catch_up_per_s", "with 0 values a second it never catches up");
    }
    for (key, patterns) in [("metrics", common.metrics), ("devices", common.devices)] {
        if patterns.iter().all(|pattern| pattern.trim().is_empty()) {
            return wrong(key, "this picks nothing; leave it out to send everything");
        }
    }
    Ok(())
}

/// The URL, if it is one that can be posted to.
pub(crate) fn url(text: &str) -> Result<Url, Wrong> {
    if text.is_empty() {
        return wrong("url", "it is missing; expected something like http://192.0.2.9:8086");
    }
    let url = Url::parse(text).or_else(|error| wrong("url", format!("this is no URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return wrong("url", "expected a URL that begins with http:// or https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("url", "put the user into `username` and the password into `password_file`");
    }
    Ok(url)
}

fn influxdb(settings: &Influxdb) -> Result<(), Wrong> {
    let url = url(&settings.url)?;
    if url.query().is_some() || url.path().ends_with("/write") {
        return wrong("url", "give the server's address only; the path and its parameters are added");
    }
    match (&settings.database, &settings.bucket, &settings.org) {
        (Some(_), None, None) | (None, Some(_), Some(_)) => {}
        (None, Some(_), None) => return wrong("bucket", "`org` is missing: version 2 asks for both"),
        (None, None, _) => {
            return wrong("url", "give a `database` (version 1), or `org` and `bucket` (version 2)");
        }
        (Some(_), ..) => {
            return wrong(
                "database",
                "`database` is for version 1, `org` and `bucket` for version 2; keep one",
            );
        }
    }
    let has_token = settings.token.is_some() || settings.token_file.is_some();
    if settings.database.is_some() && has_token {
        return wrong("token", "version 1 takes `username` and `password_file`");
    }
    if settings.bucket.is_some() && (settings.username.is_some() || settings.retention_policy.is_some()) {
        return wrong("username", "version 2 takes a `token_file`, and no `username` or `retention_policy`");
    }
    user(
        "username",
        settings.username.as_deref(),
        settings.password.is_some() || settings.password_file.is_some(),
    )?;
    name("measurement", &settings.measurement)?;
    for (tag, value) in &settings.tags {
        name("tags", tag)?;
        name("tags", value)?;
        if tag == "device" {
            return wrong("tags", "`device` is the name of the device");
        }
    }
    Ok(())
}

fn prometheus(settings: &Prometheus) -> Result<(), Wrong> {
    url(&settings.url)?;
    let has_password = settings.password.is_some() || settings.password_file.is_some();
    user("username", settings.username.as_deref(), has_password)?;
    if has_password && (settings.bearer_token.is_some() || settings.bearer_token_file.is_some()) {
        return wrong("bearer_token", "a token and a password are both given; keep one");
    }
    for (label, value) in &settings.labels {
        let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begins = label.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !begins || !label.chars().all(fine) || label.starts_with("__") {
            return wrong("labels", format!("{label:?} is no name of a label"));
        }
        if matches!(label.as_str(), "device" | "state") {
            return wrong("labels", format!("`{label}` has a meaning already"));
        }
        name("labels", value)?;
    }
    Ok(())
}

fn postgresql(settings: &Postgresql) -> Result<(), Wrong> {
    for (key, value) in [("host", &settings.host), ("database", &settings.database), ("user", &settings.user)]
    {
        name(key, value)?;
    }
    if settings.port == 0 {
        return wrong("port", "0 is no port; leave it out for 5432");
    }
    let parts: Vec<_> = settings.table.split('.').collect();
    let begins = |part: &str| part.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if parts.len() > 2 || !parts.iter().all(|part| part.len() <= 48 && begins(part) && part.chars().all(fine))
    {
        return wrong(
            "table",
            "expected a name such as `ohmstead` or `house.ohmstead`: lower case letters, digits and `_`",
        );
    }
    Ok(())
}

fn user(key: &'static str, user: Option<&str>, has_password: bool) -> Result<(), Wrong> {
    match user {
        None if has_password => wrong(key, "there is a password but no user"),
        Some(user) if user.contains(':') => wrong(key, "HTTP's user names hold no `:`"),
        _ => Ok(()),
    }
}

fn name(key: &'static str, text: &str) -> Result<(), Wrong> {
    match text {
        "" => wrong(key, "it is empty"),
        _ if text.chars().any(char::is_control) => wrong(key, "it holds a control character"),
        // A line protocol's escape cannot be escaped itself.
        _ if text.ends_with('\\') => wrong(key, "it ends with a backslash"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use rstest::rstest;

    use super::*;

    fn read(yaml: &str) -> Settings {
        serde_saphyr::from_str(yaml).expect("valid settings")
    }

    #[rstest]
    #[case("influxdb: { url: 'http://a:8086', database: house }")]
    #[case("influxdb: { url: 'https://a', org: o, bucket: b, token: t, snap: 1 s, metrics: ['battery_*'] }")]
    #[case("prometheus: { url: 'http://a:9090/api/v1/write', labels: { site: home }, from: all }")]
    #[case("postgresql: { host: /run/postgresql, table: house.values_of_ohmstead }")]
    #[case("postgresql: {}")]
    fn these_work(#[case] yaml: &str) {
        check("a", &read(yaml)).expect("fine");
    }

    #[rstest]
    #[case("influxdb: {}", expect!["sinks.a.influxdb.url: it is missing; expected something like http://192.0.2.9:8086"])]
    #[case("influxdb: { url: 'a:8086', database: d }", expect!["sinks.a.influxdb.url: expected a URL that begins with http:// or https://"])]
    #[case("influxdb: { url: 'http://u:p@a', database: d }", expect!["sinks.a.influxdb.url: put the user into `username` and the password into `password_file`"])]
    #[case("influxdb: { url: 'http://a/write', database: d }", expect!["sinks.a.influxdb.url: give the server's address only; the path and its parameters are added"])]
    #[case("influxdb: { url: 'http://a' }", expect!["sinks.a.influxdb.url: give a `database` (version 1), or `org` and `bucket` (version 2)"])]
    #[case("influxdb: { url: 'http://a', bucket: b }", expect!["sinks.a.influxdb.bucket: `org` is missing: version 2 asks for both"])]
    #[case("influxdb: { url: 'http://a', database: d, bucket: b, org: o }", expect!["sinks.a.influxdb.database: `database` is for version 1, `org` and `bucket` for version 2; keep one"])]
    #[case("influxdb: { url: 'http://a', database: d, password: p }", expect!["sinks.a.influxdb.username: there is a password but no user"])]
    #[case("influxdb: { url: 'http://a', database: d, username: u, password_file: /nonexistent }", expect!["sinks.a.influxdb.password_file: /nonexistent cannot be read"])]
    #[case("influxdb: { url: 'http://a', database: d, tags: { device: x } }", expect!["sinks.a.influxdb.tags: `device` is the name of the device"])]
    #[case("prometheus: { url: 'ftp://a' }", expect!["sinks.a.prometheus.url: expected a URL that begins with http:// or https://"])]
    #[case("prometheus: { url: 'http://a', labels: { 'a-b': c } }", expect![[r#"sinks.a.prometheus.labels: "a-b" is no name of a label"#]])]
    #[case("prometheus: { url: 'http://a', bearer_token: x, bearer_token_file: /dev/null }", expect!["sinks.a.prometheus.bearer_token: bearer_token and bearer_token_file are both given; keep one"])]
    #[case("prometheus: { url: 'http://a', every: 10 ms }", expect!["sinks.a.prometheus.every: 10 ms is not between 1 s and 1 h"])]
    #[case("prometheus: { url: 'http://a', snap: 2 h }", expect!["sinks.a.prometheus.snap: 2 h is not between 1 ms and 1 h"])]
    #[case("prometheus: { url: 'http://a', max_batch: 0 }", expect!["sinks.a.prometheus.max_batch: 0 is not between 1 and 100000"])]
    #[case("prometheus: { url: 'http://a', metrics: [] }", expect!["sinks.a.prometheus.metrics: this picks nothing; leave it out to send everything"])]
    #[case("postgresql: { table: 'a;b' }", expect!["sinks.a.postgresql.table: expected a name such as `ohmstead` or `house.ohmstead`: lower case letters, digits and `_`"])]
    #[case("postgresql: { tls: { ca_file: /nonexistent } }", expect!["sinks.a.postgresql.tls: /nonexistent cannot be read: No such file or directory (os error 2)"])]
    fn what_cannot_work_is_told(#[case] yaml: &str, #[case] message: Expect) {
        message.assert_eq(&check("a", &read(yaml)).expect_err("refused").to_string());
    }

    #[test]
    fn secrets_are_not_printed() {
        let settings = read("prometheus: { url: 'http://a', bearer_token: hunter2 }");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}
