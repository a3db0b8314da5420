//! `ledger`: the last attempts to change a device.

use clap::Args;
use ohmstead_model::{DeviceId, LedgerQuery, Outcome, UnixMillis};
use ohmstead_units::Timespan;
use serde_json::Value;

use super::table::table;
use super::target::daemon_failure;
use super::{Common, real_clock};
use crate::data_dir::Holder;
use crate::failure::{Code, Failure};
use crate::shapes::ledger_json;
use crate::socket::{Client, Question};
use crate::store::{HistoryConfig, Store};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many, newest first
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    limit: usize,
    /// Only those of this device
    #[arg(long, value_name = "NAME")]
    device: Option<DeviceId>,
    /// Only those that ended so, such as `ineffective`
    #[arg(long, value_name = "OUTCOME", value_parser = outcome)]
    outcome: Option<Outcome>,
    /// Only those since then: a span such as "2 h", or a time such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,
}

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Since {
    Ago(Timespan),
    At(UnixMillis),
}

fn outcome(text: &str) -> Result<Outcome, String> {
    Outcome::of_key(text).ok_or_else(|| {
        let known: Vec<_> = Outcome::ALL.into_iter().map(Outcome::key).collect();
        format!("there are: {}", known.join(", "))
    })
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(span) = text.parse() {
        return Ok(Since::Ago(span));
    }
    let at: jiff::Timestamp =
        text.parse().map_err(|_| "expected a span such as \"2 h\" or a time such as 2026-11-21T08:00:00Z")?;
    Ok(Since::At(UnixMillis(at.as_millisecond())))
}

impl Arguments {
    fn query(&self, now: UnixMillis) -> LedgerQuery {
        let since = self.since.map(|since| match since {
            Since::Ago(span) => now.minus(span.0),
            Since::At(at) => at,
        });
        LedgerQuery { limit: self.limit, device: self.device.clone(), outcome: self.outcome, since }
    }
}

fn question(query: LedgerQuery) -> Question {
    Question::Ledger {
        limit: query.limit,
        device: query.device.map(|device| device.to_string()),
        outcome: query.outcome.map(|outcome| outcome.key().to_owned()),
        since_unix_ms: query.since.map(|since| since.0),
    }
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let config = common.load_if_any()?.map(|(_, config)| config);
    let dir = common.data_dir(config.as_ref())?;
    let query = arguments.query(real_clock().now().unix);
    let rows = match Client::connect(&dir).await {
        Some(mut client) => client.ask(&question(query)).await.map_err(daemon_failure)?,
        None if !dir.exists() => Value::Array(Vec::new()),
        None => {
            let store = Store::open(dir, HistoryConfig::of(config.as_ref()), Holder::Verb)
                .map_err(|error| Failure::of(Code::InUse, error))?;
            store.ledger(query).await?.iter().map(ledger_json).collect()
        }
    };
    let is_filtered = arguments.device.is_some() || arguments.outcome.is_some() || arguments.since.is_some();
    common.print(&rows, || text(&rows, is_filtered))
}

fn text(rows: &Value, is_filtered: bool) -> String {
    let rows: Vec<_> = rows.as_array().into_iter().flatten().collect();
    if rows.is_empty() && is_filtered {
        return "no such attempt".to_owned();
    }
    if rows.is_empty() {
        return "no attempt to change a device yet".to_owned();
    }
    let head = ["", "at", "device", "by", "request", "outcome", "reason"].map(str::to_owned).to_vec();
    let cells = rows.into_iter().map(|row| {
        let id = row["id"].as_i64().map_or(String::new(), |id| id.to_string());
        let words = ["at", "device", "asked_by", "request", "outcome", "reason"];
        let words = words.map(|key| row[key].as_str().unwrap_or_default().to_owned());
        std::iter::once(id).chain(words).collect()
    });
    table(&std::iter::once(head).chain(cells).collect::<Vec<_>>(), &[0])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn since_is_a_span_or_a_time() {
        assert_eq!(since("2 h"), Ok(Since::Ago(Timespan::from_secs(7200))));
        assert_eq!(since("2026-11-21T08:00:00Z"), Ok(Since::At(UnixMillis(1_795_248_000_000))));
        assert!(since("yesterday").is_err());
    }

    #[test]
    fn the_ledger_for_people() {
        let row = |id: i64, outcome: &str| {
            json!({
                "id": id, "at": "2026-11-21T08:00:00.000Z", "device": "fase_a", "asked_by": "cli",
                "request": "charge 800 W", "outcome": outcome, "reason": "a reason",
            })
        };
        expect![[r#"
                at                        device  by   request       outcome    reason
            12  2026-11-21T08:00:00.000Z  fase_a  cli  charge 800 W  confirmed  a reason
             9  2026-11-21T08:00:00.000Z  fase_a  cli  charge 800 W  dry_run    a reason"#]]
        .assert_eq(&text(&json!([row(12, "confirmed"), row(9, "dry_run")]), false));
        assert_eq!(text(&json!([]), false), "no attempt to change a device yet");
        assert_eq!(text(&json!([]), true), "no such attempt");
    }
}
