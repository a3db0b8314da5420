//! `InfluxDB`: version 1's `/write?db=`, version 2's `/api/v2/write`.

use std::collections::BTreeMap;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::{Client, Url};

use super::{Failure, Target, http, line};
use crate::Secret;
use crate::check;
use crate::settings::Influxdb;
use crate::source::Point;

/// An `InfluxDB` server.
pub(super) struct Influx {
    client: Client,
    url: Url,
    settings: Influxdb,
}

impl Influx {
    pub(super) fn new(settings: &Influxdb) -> Result<Self, String> {
        let base = check::url(&settings.url).map_err(|(_, what)| what)?;
        let client = http::client(&base, settings.tls.as_ref())?;
        Ok(Self { client, url: write_url(base, settings), settings: settings.clone() })
    }

    async fn post(&self, points: &[Point]) -> Result<(), Failure> {
        let body = line::encode(points, &self.settings.measurement, &self.settings.tags);
        if body.is_empty() {
            return Ok(());
        }
        let request = self.client.post(self.url.clone()).header("Content-Type", "text/plain; charset=utf-8");
        let request = match (secret(&self.settings)?, &self.settings.username) {
            (None, None) => request,
            (Some(token), None) => request.header("Authorization", format!("Token {}", token.expose())),
            (password, Some(user)) => request.basic_auth(user, password.as_ref().map(Secret::expose)),
        };
        http::post(request.body(body)).await
    }
}

fn secret(settings: &Influxdb) -> Result<Option<Secret>, Failure> {
    let (given, file) = if settings.bucket.is_some() {
        (&settings.token, &settings.token_file)
    } else {
        (&settings.password, &settings.password_file)
    };
    super::secret(given.as_ref(), file.as_deref())
        .map_err(|error| Failure::later(format!("the password or token cannot be read: {error}")))
}

fn write_url(mut url: Url, settings: &Influxdb) -> Url {
    let base = url.path().trim_end_matches('/').to_owned();
    let mut query: BTreeMap<&str, &str> = BTreeMap::from([("precision", "ms")]);
    let path = if settings.bucket.is_some() { "api/v2/write" } else { "write" };
    let pairs = [
        ("db", &settings.database),
        ("rp", &settings.retention_policy),
        ("org", &settings.org),
        ("bucket", &settings.bucket),
    ];
    query.extend(pairs.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))));
    url.set_path(&format!("{base}/{path}"));
    url.query_pairs_mut().extend_pairs(query);
    url
}

impl Target for Influx {
    fn send<'a>(&'a mut self, points: &'a [Point]) -> BoxFuture<'a, Result<(), Failure>> {
        self.post(points).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("{ url: 'http://a:8086', database: my house }", "http://a:8086/write?db=my+house&precision=ms")]
    #[case(
        "{ url: 'http://a/influx/', database: h, retention_policy: y }",
        "http://a/influx/write?db=h&precision=ms&rp=y"
    )]
    #[case(
        "{ url: 'http://a', org: o, bucket: b&c }",
        "http://a/api/v2/write?bucket=b%26c&org=o&precision=ms"
    )]
    fn urls(#[case] yaml: &str, #[case] expected: &str) {
        let settings: Influxdb = serde_saphyr::from_str(yaml).expect("settings");
        let url = check::url(&settings.url).expect("a URL");
        assert_eq!(write_url(url, &settings).as_str(), expected);
    }
}
