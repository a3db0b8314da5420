//! `ledger`: the last attempts to change a device.

use clap::Args;
use serde_json::Value;

use super::Common;
use super::table::table;
use super::target::daemon_failure;
use crate::failure::{Code, Failure};
use crate::shapes::ledger_json;
use crate::socket::{Client, Question};
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many, newest first
    #[arg(long, default_value_t = 20, value_name = "COUNT")]
    limit: usize,
}

pub(super) async fn run(common: &Common, arguments: &Arguments) -> Result<(), Failure> {
    let config = common.load_if_any()?.map(|(_, config)| config);
    let dir = common.data_dir(config.as_ref())?;
    let rows = match Client::connect(&dir).await {
        Some(mut client) => {
            client.ask(&Question::Ledger { limit: arguments.limit }).await.map_err(daemon_failure)?
        }
        None if !dir.exists() => Value::Array(Vec::new()),
        None => {
            let settings = config.map(|config| config.history).unwrap_or_default();
            let store = Store::open(dir, settings).map_err(|error| Failure::of(Code::InUse, error))?;
            store.ledger(arguments.limit).await?.iter().map(ledger_json).collect()
        }
    };
    common.print(&rows, || text(&rows))
}

fn text(rows: &Value) -> String {
    let rows: Vec<_> = rows.as_array().into_iter().flatten().collect();
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
        .assert_eq(&text(&json!([row(12, "confirmed"), row(9, "dry_run")])));
        assert_eq!(text(&json!([])), "no attempt to change a device yet");
    }
}
