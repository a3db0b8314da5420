//! `ohmstead.yaml`: found, read, checked, and turned into the settings that each crate owns.
//!
//! Every error says what, where (line, column, the line with a caret) and what to do, and one run shows every slip it
//! can. `${VAR}` is replaced inside values only; secrets are shown neither in errors nor by `Debug`.
//!
//! ```text
//! file --read--> text --mask--> YAML --parse--> tree --expand ${}--> tree --serde--> Config --check-->
//! ```

#![warn(missing_docs)]

mod check;
mod config;
mod de;
mod error;
mod file;
pub mod import;
mod log;
mod nearest;
mod paths;
mod place;
mod problem;
mod site;
mod snippet;
mod tree;
mod variables;
mod yaml_text;

pub use config::{Config, load, parse};
pub use error::{LoadError, NotFound, Report};
pub use file::find;
pub use log::{Level, LogSettings};
pub use place::{file_of, place};
pub use problem::Problem;
pub use site::{Language, Site};
