//! `demo`: the whole product on a simulated house, without configuration, network or any other server.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use ohmstead_history::History;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Common, real_clock, runtime};
use crate::clock::os_unix;
use crate::daemon::{self, Setup};
use crate::data_dir::{self, Holder};
use crate::demo;
use crate::failure::{Code, Failure};
use crate::logs::{self, LevelControl};
use crate::print;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// TCP port of the page on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8230)]
    port: u16,
    /// Everything random in the house follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days of history before the start
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(i64).range(0..=366))]
    days: i64,
}

pub(super) fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let folder = Folder::choose(common.data_dir.as_deref())?;
    let runtime = runtime()?;
    let result = runtime.block_on(live(common, arguments, folder.path()));
    runtime.shutdown_background();
    result
}

async fn live(common: &Common, arguments: &Arguments, folder: &Path) -> Result<(), Failure> {
    let now = os_unix();
    let mut house = demo::Demo::new(now, arguments.days, arguments.seed)?;
    fill(&mut house, folder, now)?;
    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    let served = house.serve(folder, &tracker, &stop).await?;
    let text = demo::config_text(&served, free_port(arguments.port)?, folder)?;
    let config = demo::config(&text)?;
    if let Some(web) = &config.web {
        print::out(format!(
            "The page: http://{}\nThe configuration, as for `ohmstead run`:\n\n{text}",
            web.listen
        ))?;
    }
    let levels = LevelControl::new(daemon::levels(&config, common.log.as_deref()));
    logs::start(&levels, None);
    let data_dir = Ok(folder.to_owned());
    let setup =
        Setup { config, source: None, data_dir, clock: real_clock(), levels, log: common.log.clone() };
    let result = daemon::run(setup, CancellationToken::new()).await;
    stop.cancel();
    tracker.close();
    tracker.wait().await;
    result
}

/// A second start on the same folder finds its history there already.
fn fill(house: &mut demo::Demo, folder: &Path, now: ohmstead_model::UnixMillis) -> Result<(), Failure> {
    // The daemon takes the folder again in a moment; another one may have it already.
    let _lock = data_dir::take(folder, Holder::Daemon).map_err(|error| Failure::of(Code::InUse, error))?;
    let settings = ohmstead_history::Settings::default();
    let history = History::open(folder, &settings, &demo::zone(), &ohmstead_drivers::native())?;
    if history.stats()?.points > 0 {
        house.live(now);
    } else {
        demo::backfill(house, &history, now)?;
    }
    Ok(())
}

/// Port 0 is settled here, for the address is printed before the page is served.
fn free_port(port: u16) -> Result<u16, Failure> {
    if port != 0 {
        return Ok(port);
    }
    let probe = std::net::TcpListener::bind(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0));
    let address = probe.and_then(|probe| probe.local_addr()).context("no free TCP port on 127.0.0.1")?;
    Ok(address.port())
}

/// Where everything is written: a folder that goes with the program, or the one that was asked for.
enum Folder {
    Passing(tempfile::TempDir),
    Given(PathBuf),
}

impl Folder {
    fn choose(given: Option<&Path>) -> Result<Self, Failure> {
        let Some(given) = given else {
            let passing = tempfile::Builder::new().prefix("ohmstead-demo-").tempdir();
            return Ok(Self::Passing(
                passing.context("cannot make a temporary folder; give one with --data-dir")?,
            ));
        };
        let failed = |error| Failure::of(Code::Failed, error);
        std::fs::create_dir_all(given)
            .with_context(|| format!("cannot make {}", given.display()))
            .map_err(failed)?;
        // The configuration names sockets in it, and is to be good from any folder.
        let given = std::path::absolute(given)
            .with_context(|| format!("cannot tell where {} is", given.display()))
            .map_err(failed)?;
        Ok(Self::Given(given))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Passing(folder) => folder.path(),
            Self::Given(folder) => folder,
        }
    }
}
