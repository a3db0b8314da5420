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
        format!("{} - {}  {}\n", shown(span.start), shown(span.end), (value * 1e6).round() / 1e6)
    };
    timeline.slots().map(line).collect()
}

/// All that an answer says.
fn told(answer: Result<Answer, impl std::fmt::Display>) -> String {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return error.to_string(),
    };
    let mut text = String::new();
    for (quantity, timeline) in &answer.series {
        text += &format!("{}\n{}", quantity.id(), lines(timeline));
    }
    for (day, colour) in &answer.colours {
        text += &format!("{day} {colour}\n");
    }
    for grid in &answer.grids {
        text += &format!(
            "{} to {:?} {} kVA {:?} {:?}\n",
            grid.from,
            grid.until.map(|it| it.to_string()),
            grid.power_kva,
            grid.fixed_eur_per_year,
            grid.prices
        );
    }
    format!("{text}currency {:?}, refused {}", answer.currency, answer.refused)
}

fn instant(text: &str) -> UnixMillis {
    UnixMillis(text.parse::<Timestamp>().unwrap().as_millisecond())
}
