//! The same questions through REST: the release binary on a folder that is full already. Its only device is one that never
//! answers, under the station's name.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use ohmstead_model::UnixMillis;

use crate::http::Http;
use crate::queries::Charts;
use crate::server::{Server, free_port};
use crate::station::DEVICE;

/// The daemon on a data folder, and a connection to it.
#[derive(Debug)]
pub(crate) struct Rest {
    http: Http,
    pub(crate) server: Server,
}

impl Rest {
    /// Starts it on the store in `folder`.
    pub(crate) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let (page, nobody) = (free_port()?, free_port()?);
        let config = folder.join("ohmstead.yaml");
        // The data is of a fixed year, which gets older.
        let text = format!(
            "web: {{ listen: 127.0.0.1:{page} }}\nsite: {{ timezone: Europe/Brussels }}\nhistory: {{ keep_raw: 99 y }}\n\
             devices: {{ {DEVICE}: {{ marstek: {{ host: 127.0.0.1, port: {nobody} }} }} }}\n"
        );
        fs::write(&config, text)?;
        let mut command = Command::new(binary);
        command.args(["run", "--log", "warn", "--config"]).arg(&config).arg("--data-dir").arg(folder);
        let server = Server::start(&mut command, &folder.join("ohmstead.log"))?;
        let http = Http::when_ready(page, "/api/v1/history?device=station&metric=battery_power")?;
        Ok(Self { http, server })
    }

    fn history(&mut self, from: UnixMillis, to: UnixMillis, how: &str) -> Result<usize> {
        let (from, to) = (from.0, to.0);
        let path = format!("/api/v1/history?device={DEVICE}&metric=battery_power&from={from}&to={to}&{how}");
        // A point begins with a bracket, as does the list; a step's three numbers have brackets of their own. Reading the
        // JSON properly would take longer than the answer.
        Ok(self.http.get(&path)?.matches('[').count() - 1)
    }
}

impl Charts for Rest {
    fn raw(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize> {
        self.history(from, to, "max_points=50000")
    }

    fn hours(&mut self, from: UnixMillis, to: UnixMillis) -> Result<usize> {
        Ok(self.history(from, to, "step=1h")? / 2)
    }
}
