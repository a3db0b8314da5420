//! What is going to be: prices, Tempo colours, sun and weather, asked from public and private services.
//!
//! ```text
//! schedule (when) --> provider (request, parse) --> Held (what one source said, and when) --> cache on disk
//!                        |  http: Caller --> Wire                 |
//!                        +------ Failure --> Memory               +--> merge: the first fresh source, gaps from the next,
//!                                                                      the owner's word on top --> watch: Arc<Outlook>
//! ```
//!
//! Every source has a task of its own and may hang, lie, or be away for weeks: the others go on, what is known stays known
//! with its age, and what is not known is a hole. Nothing here decides anything.

#![warn(missing_docs)]

mod answer;
mod cache;
mod check;
mod failure;
mod held;
pub mod http;
mod merge;
mod outlook;
mod parse;
mod provider;
pub mod schedule;
mod service;
pub mod settings;

pub use answer::{Answer, PriceGrid, Quantity};
pub use check::{Place, SettingsError, check, check_values};
pub use failure::{Failure, FailureKind};
pub use ohmstead_outside::Secret;
pub use outlook::{Kind, MANUAL, Manual, Outlook, SourceStatus, Sourced, TempoDay, Voice};
pub use parse::ParseError;
pub use service::{Links, run};
pub use settings::Settings;
