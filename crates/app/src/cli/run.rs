//! `run`: the daemon.

use tokio_util::sync::CancellationToken;

use super::{Common, real_clock, runtime};
use crate::daemon::{self, Setup};
use crate::failure::Failure;
use crate::logs::{self, LevelControl, RotatingFile};

pub(super) fn run(common: &Common) -> Result<(), Failure> {
    let (path, config) = common.load()?;
    let levels = LevelControl::new(daemon::levels(&config, common.log.as_deref()));
    let log = &config.log;
    logs::start(&levels, log.file.clone().map(|file| RotatingFile::new(file, log.max_size, log.keep)));
    let data_dir = common.data_dir(Some(&config));
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let log = common.log.clone();
        let setup = Setup { config, source: Some(path), data_dir, clock: real_clock(), levels, log };
        daemon::run(setup, CancellationToken::new()).await
    });
    // What did not end in time must not hold the process up.
    runtime.shutdown_background();
    result
}
