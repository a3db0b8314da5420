//! `backup`: the history as one file, and back. The same as `history backup` and `history restore`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Common, history};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Copy everything into one new file, while the daemon runs or not
    Create {
        /// The file to write
        file: PathBuf,
    },
    /// Put a backup in the place of the history; not while the daemon runs
    Restore {
        /// The file of the backup
        file: PathBuf,
    },
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.what {
        What::Create { file } => history::backup(common, file).await,
        What::Restore { file } => history::restore(common, file),
    }
}
