//! What the run found: a table of engines, a table of flash wear, single figures, and the lines that `cargo xtask bench` reads.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is the purpose")]

use serde_json::json;

use crate::measure::{Spread, Took};

/// Everything found so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) engines: Vec<Engine>,
    pub(crate) flash: Vec<Wear>,
    /// What is said once: a name and a text.
    pub(crate) facts: Vec<(String, String)>,
    figures: Vec<serde_json::Value>,
}

/// One store with the data in it.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    pub(crate) name: String,
    pub(crate) values: u64,
    pub(crate) bytes: u64,
    pub(crate) ingest: Took,
    pub(crate) last: Option<Spread>,
    pub(crate) day: Option<Spread>,
    pub(crate) month: Option<Spread>,
    pub(crate) year: Option<Spread>,
    /// Resident memory of the engine's own process, MB.
    pub(crate) memory: Option<f64>,
}

/// Bytes that reached the block device.
#[derive(Debug)]
pub(crate) struct Wear {
    pub(crate) name: String,
    pub(crate) window_s: i64,
    pub(crate) days: i64,
    pub(crate) mb_per_day: f64,
}

/// The bound that a figure keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Budget {
    AtMost(f64),
    AtLeast(f64),
}

impl Engine {
    pub(crate) fn bytes_per_value(&self) -> f64 {
        self.bytes as f64 / self.values as f64
    }

    pub(crate) fn values_per_s(&self) -> f64 {
        self.values as f64 / self.ingest.wall.as_secs_f64()
    }

    fn row(&self) -> Vec<String> {
        let spread = |spread: &Option<Spread>| match spread {
            Some(Spread { p50, p95 }) => format!("{} / {}", short(*p50), short(*p95)),
            None => "-".to_owned(),
        };
        vec![
            self.name.clone(),
            format!("{:.2} M", self.values as f64 / 1e6),
            format!("{:.1}", self.bytes as f64 / 1e6),
            format!("{:.3}", self.bytes_per_value()),
            millions(self.values_per_s()),
            millions(self.values as f64 / self.ingest.cpu.as_secs_f64()),
            spread(&self.last),
            spread(&self.day),
            spread(&self.month),
            spread(&self.year),
            self.memory.map_or("-".to_owned(), |memory| format!("{memory:.0}")),
        ]
    }
}

impl Report {
    pub(crate) fn fact(&mut self, name: &str, text: impl Into<String>) {
        let text = text.into();
        say(&format!("{name}: {text}"));
        self.facts.push((name.to_owned(), text));
    }

    pub(crate) fn engine(&mut self, engine: Engine) {
        let rate = millions(engine.values_per_s());
        say(&format!("{}: {:.3} bytes/value, {rate} M values/s", engine.name, engine.bytes_per_value()));
        self.engines.push(engine);
    }

    pub(crate) fn figure(&mut self, name: &str, unit: &str, budget: Budget, measured: f64) {
        let (bound, number) = match budget {
            Budget::AtMost(number) => ("at_most", number),
            Budget::AtLeast(number) => ("at_least", number),
        };
        self.figures.push(
            json!({ "name": format!("store: {name}"), "unit": unit, bound: number, "measured": measured }),
        );
    }

    /// Prints all of it.
    pub(crate) fn print(&self) {
        let head = [
            "store",
            "values",
            "MB",
            "B/value",
            "M/s",
            "M/s CPU",
            "last of all",
            "24 h raw",
            "30 d at 1 h",
            "year at 1 h",
            "RSS MB",
        ];
        println!("\nQueries: p50 / p95, ms. M/s CPU: of this process only.\n");
        print!("{}", table(&head, self.engines.iter().map(Engine::row).collect()));
        if !self.flash.is_empty() {
            println!("\nBytes written to the block device (ext4 on a loop device, its journal included)\n");
            let rows = self.flash.iter().map(|wear| {
                vec![
                    wear.name.clone(),
                    format!("{} s", wear.window_s),
                    wear.days.to_string(),
                    format!("{:.1}", wear.mb_per_day),
                ]
            });
            print!("{}", table(&["store", "a commit every", "days", "MB/day"], rows.collect()));
        }
        println!();
        for (name, text) in &self.facts {
            println!("{name}: {text}");
        }
        println!();
        for figure in &self.figures {
            println!("figure {figure}");
        }
    }
}

/// A line for who waits: standard error, so that it shows at once.
pub(crate) fn say(text: &str) {
    eprintln!("  {text}");
}

/// A rate; what took no time was not measured.
fn millions(rate: f64) -> String {
    if rate.is_finite() { format!("{:.2}", rate / 1e6) } else { "-".to_owned() }
}

/// Three digits.
pub(crate) fn short(number: f64) -> String {
    match number {
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        1.0.. => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// Columns two spaces apart, the first to the left, all others to the right.
fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let head = head.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>();
    let all: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..all[0].len()).map(width).collect();
    let mut text = String::new();
    for row in &all {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text.push_str(&cells.collect::<Vec<_>>().join("  "));
        text.push('\n');
    }
    text
}

/// What a child tells its parent.
pub(crate) fn numbers(numbers: &[f64]) {
    println!("{}", numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
}
