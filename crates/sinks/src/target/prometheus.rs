//! Prometheus remote write 1.0 over HTTP. Prometheus itself takes no value of a series that is older than its newest one
//! unless `out_of_order_time_window` allows it, hence short spans: those of all series grow together.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::{Client, Url};

use super::{Failure, Target, http, remote_write};
use crate::Secret;
use crate::check;
use crate::settings::Prometheus;
use crate::source::Point;

/// A remote-write receiver.
pub(super) struct RemoteWrite {
    client: Client,
    url: Url,
    settings: Prometheus,
    snappy: snap::raw::Encoder,
}

impl RemoteWrite {
    pub(super) fn new(settings: &Prometheus) -> Result<Self, String> {
        let url = check::url(&settings.url).map_err(|(_, what)| what)?;
        let client = http::client(&url, settings.tls.as_ref())?;
        Ok(Self { client, url, settings: settings.clone(), snappy: snap::raw::Encoder::new() })
    }

    async fn post(&mut self, points: &[Point]) -> Result<(), Failure> {
        let message = remote_write::encode(points, &self.settings.labels);
        if message.is_empty() {
            return Ok(());
        }
        let body =
            self.snappy.compress_vec(&message).map_err(|error| Failure::TooLarge(error.to_string()))?;
        let request = self
            .client
            .post(self.url.clone())
            .header("Content-Encoding", "snappy")
            .header("Content-Type", "application/x-protobuf")
            .header("X-Prometheus-Remote-Write-Version", "0.1.0");
        let settings = &self.settings;
        let read = |given: &Option<Secret>, file: &Option<std::path::PathBuf>| {
            super::secret(given.as_ref(), file.as_deref())
                .map_err(|error| Failure::later(format!("the password or token cannot be read: {error}")))
        };
        let token = read(&settings.bearer_token, &settings.bearer_token_file)?;
        let password = read(&settings.password, &settings.password_file)?;
        let request = match (token, &settings.username) {
            (Some(token), _) => request.bearer_auth(token.expose()),
            (None, Some(user)) => request.basic_auth(user, password.as_ref().map(Secret::expose)),
            (None, None) => request,
        };
        http::post(request.body(body)).await
    }
}

impl Target for RemoteWrite {
    fn send<'a>(&'a mut self, points: &'a [Point]) -> BoxFuture<'a, Result<(), Failure>> {
        self.post(points).boxed()
    }

    fn longest(&self) -> Duration {
        Duration::from_secs(30 * 60)
    }
}
