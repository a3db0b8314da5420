//! What every source makes of its documented answer, and of answers that are none.

mod colours;
mod hostile;
mod prices;
mod sun;

use ohmstead_model::{TimeSpan, Timeline, UnixMillis};

use super::*;
use crate::{Answer, ParseError, Quantity};

fn shown(at: UnixMillis) -> String {
    stamp(at).strftime("%d %H:%M:%S").to_string()
}

/// Each stretch of a series on a line, in UTC.
fn lines(timeline: &Timeline<f64>) -> String {
    let line = |(span, value): (TimeSpan, &f64)| {
        format!("{} - {}  {}", shown(span.start), shown(span.end), (value * 1e6).round() / 1e6)
    };
    timeline.slots().map(line).collect::<Vec<_>>().join("\n")
}

/// All that an answer says.
fn told(answer: Result<Answer, impl std::fmt::Display>) -> String {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return error.to_string(),
    };
    let mut told: Vec<String> = Vec::new();
    for (quantity, timeline) in &answer.series {
        told.push(format!("{}\n{}", quantity.id(), lines(timeline).trim_end()));
    }
    told.extend(answer.colours.iter().map(|(day, colour)| format!("{day} {colour}")));
    told.extend(answer.grids.iter().map(|grid| {
        let until = grid.until.map(|it| it.to_string());
        let fee = grid.fixed_eur_per_year;
        format!("{} to {until:?} {} kVA {fee:?} {:?}", grid.from, grid.power_kva, grid.prices)
    }));
    told.push(format!("currency {:?}, refused {}", answer.currency, answer.refused));
    told.join("\n")
}

fn instant(text: &str) -> UnixMillis {
    UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
}
