//! Spans of time in words.

use std::time::Duration;

/// `12 s`, `5 min`, `2 h 5 min`, `3 d 4 h`: two parts at most, never more exact than is of use.
pub(crate) fn span_words(span: Duration) -> String {
    let seconds = span.as_secs();
    let parts = |whole: u64, unit: &str, rest: u64, rest_unit: &str| {
        if rest == 0 { format!("{whole} {unit}") } else { format!("{whole} {unit} {rest} {rest_unit}") }
    };
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => parts(seconds / 3600, "h", seconds / 60 % 60, "min"),
        _ => parts(seconds / 86_400, "d", seconds / 3600 % 24, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        let words = |seconds| span_words(Duration::from_secs(seconds));
        assert_eq!(span_words(Duration::from_millis(812)), "812 ms");
        assert_eq!([words(1), words(119), words(120), words(7199)], ["1 s", "119 s", "2 min", "119 min"]);
        assert_eq!(
            [words(7200), words(7500), words(172_800), words(180_000)],
            ["2 h", "2 h 5 min", "2 d", "2 d 2 h"]
        );
    }
}
